import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.input.csv_reader import BrokenRecord, ReadOptions, Record, Table, read_csv
from readstate.input.header import Columns
from readstate.input.problems import Problem

HEADER = "user,conversation,note\n"
COLUMNS = Columns(("user", "conversation", "note", "last_read_timestamp"), required=("user", "conversation"))


def read(content: str | bytes, **options: Any) -> tuple[Table | None, list[Record | BrokenRecord], list[Problem]]:
    data = content if isinstance(content, bytes) else content.encode()
    table = read_csv(io.BufferedReader(io.BytesIO(data)), COLUMNS, ReadOptions(**options))  # type: ignore[arg-type]
    if isinstance(table, list):
        return None, [], table
    records = list(table.records)
    return table, records, [record.problem for record in records if isinstance(record, BrokenRecord)]


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_lines_are_counted_whatever_the_line_ends_and_the_encoding(end: str, encoding: str) -> None:
    text = end.join(["user,conversation,note", "a,b,größe", 'c,d,"two', 'lines"', "e,f,"]) + end
    data = text.encode(encoding)
    asked = {} if encoding in {"utf-8", "utf-8-sig", "utf-16"} else {"encoding": encoding}

    file, records, problems = read(data, **asked)

    assert file is not None
    assert not problems
    usable = [record for record in records if isinstance(record, Record)]
    assert [(record.line, record.line_end) for record in usable] == [(2, 2), (3, 4), (5, 5)]
    assert usable[1].cells[2] == f"two{end}lines"


def test_a_given_delimiter_wins_over_the_header() -> None:
    file, _, problems = read("user;conversation\n", delimiter="comma")

    assert file is None
    assert "user;conversation" in problems[0].message


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n"])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    with pytest.raises(BadInput, match="not one character"):
        read(HEADER, delimiter=delimiter)


def test_an_unknown_encoding_is_refused() -> None:
    for name in ("klingon", "hex"):
        with pytest.raises(BadInput, match="unknown text encoding"):
            read(HEADER, encoding=name)


@pytest.mark.parametrize(
    ("content", "code"),
    [("", "E-EMPTY"), (b"user,conversation,\xff\n", "E-ENCODING"), ("user,conversation," + "x" * 100_000, "E-HEADER")],
)
def test_a_header_that_cannot_be_used_is_a_problem_and_no_file(content: str | bytes, code: str) -> None:
    file, _, problems = read(content)

    assert file is None
    assert code in codes(problems)


def test_every_problem_of_a_header_is_reported_with_the_nearest_name() -> None:
    file, _, problems = read("user_sid,note,NOTE,,Conversations,lats_read_timestamp\n")

    messages = "\n".join(problem.message for problem in problems)
    assert file is None
    assert "did you mean 'user'?" in messages
    assert "'note' is there twice" in messages
    assert "column 4 has no name" in messages
    assert "did you mean 'conversation'?" in messages
    assert "did you mean 'last_read_timestamp'?" in messages
    assert "'user' is missing" in messages


def test_one_bad_byte_spoils_one_line_and_three_encodings_are_offered() -> None:
    _, records, problems = read(HEADER.encode() + b"a,b,fine\nc,d,gr\xf6\xdfe\ne,f,fine\n")

    assert [type(record) for record in records] == [Record, BrokenRecord, Record]
    (problem,) = problems
    assert problem.code == "E-ENCODING"
    assert problem.line == 3
    assert "character 7 of the line is the byte 0xf6, which is not UTF-8" in problem.message
    assert problem.hint.count("--encoding") == 3
    assert "cp1252" in problem.hint


def test_nul_bytes_are_an_error_of_their_line() -> None:
    _, records, problems = read(HEADER + "a,b\0,c\nd,e,f\n")

    assert codes(problems) == ["E-NUL"]
    assert isinstance(records[1], Record)


def test_a_stray_quote_swallows_no_other_line() -> None:
    lines = ["a,b,1", 'c,"d,2', "e,f,3", 'g,"h"i,4', "j,k,5"]

    _, records, problems = read(HEADER + "\n".join(lines))

    assert [(problem.code, problem.line) for problem in problems] == [("E-QUOTE", 3), ("E-QUOTE", 5)]
    assert [record.cells[0] for record in records if isinstance(record, Record)] == ["a", "e", "j"]


def test_missing_cells_are_damage_and_empty_ones_at_the_end_are_a_spreadsheet() -> None:
    _, records, problems = read(HEADER + "a,b\nc,d,e,,,\nf,g,h,i\n")

    assert [(problem.code, problem.line) for problem in problems] == [("E-COLUMNS", 2), ("E-COLUMNS", 4)]
    assert isinstance(records[1], Record)


def test_empty_lines_are_no_records() -> None:
    _, records, problems = read(HEADER + "\n,,\na,b,c\n\n")

    assert [record.line for record in records] == [4]
    assert not problems


@given(st.binary(max_size=400), st.sampled_from([b"", HEADER.encode(), b"user;conversation\r\n"]))
def test_no_bytes_break_the_reader_and_no_line_is_lost(noise: bytes, header: bytes) -> None:
    file, records, problems = read(header + noise)

    assert file is not None or problems
    lines = [record.line for record in records]
    assert lines == sorted(set(lines))


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(cell, cell, cell).filter(any), max_size=8), st.sampled_from([",", ";", "\t", "|"]))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    import csv

    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(("user", "conversation", "note"))
    writer.writerows(rows)

    _, records, problems = read(text.getvalue())

    assert not problems
    assert [tuple(record.cells) for record in records if isinstance(record, Record)] == rows


def test_a_text_that_was_kept_from_spreadsheets_is_read_as_it_was() -> None:
    _, records, problems = read(HEADER + "'=1+1,''=2,'it''s\n\"'@SUM(1)\",@latest,'quoted'\n")

    assert not problems
    assert [record.cells for record in records if isinstance(record, Record)] == [
        ["=1+1", "'=2", "'it''s"],
        ["@SUM(1)", "@latest", "'quoted'"],
    ]
