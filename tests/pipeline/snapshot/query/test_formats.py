"""What a query returns is written so that strict readers take it, or refused with what to cast."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from readstate.errors import BadInput
from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.query.formats import without_formulas, write_csv, write_json, write_parquet
from readstate.snapshot.query.query import run_query
from readstate.snapshot.query.result import QueryResult
from readstate.text import escape_formula

Write = Callable[[QueryResult, Any], None]


def written(root: Path, query: str, write: Write) -> bytes:
    """Return what *write* makes of *query*."""
    file = io.BytesIO()
    with open_catalog(str(root)) as snapshots:
        write(run_query(snapshots, query), file)
    return file.getvalue()


def json_value(root: Path, expression: str) -> Any:
    """Return the only value that a reader of strict JSON gets."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    ((value,),) = (
        row.values() for row in json.loads(written(root, f"SELECT {expression}", write_json), parse_constant=refuse)
    )
    return value


def csv_lines(root: Path, query: str, write: Write = write_csv) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written(root, query, write).decode()), strict=True))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[1, NULL]", [1, None]),
        ("[1, 2]::INTEGER[2]", [1, 2]),
        ("{'a': [{'b': NULL}]}", {"a": [{"b": None}]}),
        ("MAP {'k': 1.5}", {"k": 1.5}),
        ("MAP {1: DATE '2026-01-02'}", {"1": "2026-01-02"}),
        ("MAP {[1]: true}", {"[1]": True}),
        ("'NaN'::DOUBLE", "NaN"),
        ("['inf'::FLOAT, '-inf'::FLOAT]", ["Infinity", "-Infinity"]),
        ("TIME '10:00'", "10:00:00"),
        ("DATE '0001-01-01'", "0001-01-01"),
        ("TIMESTAMPTZ '2026-01-01'", "2026-01-01T00:00:00+00:00"),
        ("9223372036854775807::HUGEINT * 10", 92233720368547758070),
        ("list('x'::ENUM('x'))", ["x"]),
        ("chr(0)", "\0"),
    ],
)
def test_nested_values_and_numbers_that_json_lacks_are_valid_json(expression: str, value: object, root: Path) -> None:
    assert json_value(root, expression) == value
    assert pq.read_table(io.BytesIO(written(root, f"SELECT {expression}", write_parquet))).num_rows == 1


def test_decimals_keep_all_of_their_digits(root: Path) -> None:
    assert b"12345678901234567.25}" in written(root, "SELECT 12345678901234567.25::DECIMAL(30, 2) AS v", write_json)


def test_a_nested_value_is_json_in_its_csv_cell(root: Path) -> None:
    lines = csv_lines(
        root, "SELECT MAP {'k': ['a\"b']} AS m, {'x': 'NaN'::DOUBLE} AS s, 1 AS n, NULL::INTEGER[] AS none"
    )

    assert lines == [["m", "s", "n", "none"], ['{"k":["a\\"b"]}', '{"x":"NaN"}', "1", ""]]


def test_a_csv_of_one_column_has_no_empty_line(root: Path) -> None:
    content = written(root, "SELECT unnest([1, NULL, 3]) AS v", write_csv)

    assert content == b'"v"\n"1"\n""\n"3"\n'


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("INTERVAL 1 DAY", "intervals"),
        ("[INTERVAL 1 DAY]", "interval"),
        ("union_value(n := 2)", "union"),
        ("'\\xff'::BLOB", "bytes"),
        ("'101'::BIT", "bytes"),
        ("{'b': ['\\x00'::BLOB]}", "binary"),
        ("TIMESTAMP_NS '2026-01-01'", "ns"),
    ],
)
@pytest.mark.parametrize("write", [write_csv, write_json])
def test_a_type_that_text_has_no_form_for_is_refused_with_what_to_cast(
    write: Write, expression: str, words: str, root: Path
) -> None:
    with pytest.raises(BadInput, match=words) as refusal:
        written(root, f"SELECT {expression} AS v", write)

    assert '"v"::VARCHAR' in str(refusal.value.hint)


@pytest.mark.parametrize("expression", ["INTERVAL 1 DAY", "[INTERVAL 1 DAY]", "union_value(n := 2)"])
def test_a_type_that_parquet_has_no_form_for_is_refused(expression: str, root: Path) -> None:
    with pytest.raises(BadInput, match="Parquet cannot hold"):
        written(root, f"SELECT {expression} AS v", write_parquet)


@pytest.mark.parametrize("write", [write_csv, write_json, write_parquet])
@pytest.mark.parametrize(
    "expression",
    [
        "'infinity'::DATE",
        "'-infinity'::TIMESTAMP",
        "'infinity'::TIMESTAMPTZ",
        "DATE '10000-01-01'",
        "DATE '0001-01-01 (BC)'",
        "[{'a': MAP {DATE '10000-01-01': 1}}]",
        "MAP {1: TIMESTAMP '20000-01-01'}",
    ],
)
def test_a_date_that_no_other_program_reads_is_refused(expression: str, write: Write, root: Path) -> None:
    with pytest.raises(BadInput, match='column "v" holds infinity, or a date outside of the years 1 to 9999'):
        written(root, f"SELECT {expression} AS v", write)


def test_a_number_that_arrow_would_change_is_refused(root: Path) -> None:
    with pytest.raises(BadInput, match="UHUGEINT cannot be written exactly"):
        written(root, "SELECT [340282366920938463463374607431768211455::UHUGEINT] AS v", write_json)


def test_formulas_of_a_column_are_escaped_as_those_of_a_cell(root: Path) -> None:
    texts = ["=1+1", "@SUM(1)", "-2+3", "\t=1", "'=1", "＝1", "+4915112345678", "-5", "@latest", "+5\n", "plain", ""]
    listed = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    query = f"SELECT unnest([{listed}]) AS text, -1 AS n, 'active'::ENUM('active') AS state"

    lines = csv_lines(root, query, lambda result, file: write_csv(without_formulas(result), file))

    assert [line[0] for line in lines[1:]] == list(map(escape_formula, texts))
    assert lines[1][1:] == ["-1", "active"]
