"""No file, however hostile, takes unbounded memory; the limit that it exceeds is named."""

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from readstate.errors import BadInput
from readstate.input.csv_reader import BrokenRecord, ReadOptions, Table, read_csv
from readstate.input.header import Columns
from readstate.snapshot.roster.users_file import read_users_file
from tests.helpers.linted import CH, Linted, updates

HEADER = "user,conversation,op\n"


class Endless(io.RawIOBase):
    """A stream that begins with a header and goes on with one line for ever; nobody may read much of it."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        buffer[:] = HEADER.encode().ljust(len(buffer), b"a") if self.given == 0 else b"a" * len(buffer)
        self.given += len(buffer)
        assert self.given < 5_000_000, "the line was read further than the limit"
        return len(buffer)


def test_a_line_without_end_is_refused_before_it_is_in_memory() -> None:
    table = read_csv(io.BufferedReader(Endless()), Columns(("user", "conversation", "op")), ReadOptions())

    assert isinstance(table, Table)
    (broken,) = table.records
    assert isinstance(broken, BrokenRecord)
    assert (broken.problem.code, broken.line) == ("E-LIMIT", 2)
    assert "the line has more than 1 000 000 characters" in broken.problem.message


def test_a_first_line_without_end_is_refused() -> None:
    assert Linted(gzip.compress(b"a" * 50_000_000)).codes == ["E-LIMIT"]


def test_a_very_long_cell_is_no_matter_of_quotes() -> None:
    linted = updates(f"{'a' * 140_000},{CH},1", f"b,{CH},1")

    assert linted.codes == ["E-TOO-LONG"]
    assert "field larger than field limit (131072)" in linted.problems[0].message
    assert linted.statuses == ["rejected", None]


def test_a_record_of_many_lines_has_an_end() -> None:
    cell = '"' + ("x" * 1000 + "\n") * 120 + '",'
    linted = Linted(HEADER + cell * 10 + "\n")

    assert "E-TOO-LONG" in linted.codes
    assert "longer than 1 000 000 characters" in next(p.message for p in linted.problems if p.code == "E-TOO-LONG")


def test_a_header_of_many_columns_is_one_problem() -> None:
    linted = Linted("user,conversation" + ",x" * 400_000 + "\n")

    assert linted.codes == ["E-HEADER"]
    assert "400 002 columns, where 100 are the limit" in linted.problems[0].message


@pytest.mark.parametrize("kind", ["text", "parquet"])
def test_a_list_has_so_many_lines(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readstate.input.name_list.MOST_NAMES", 5_000)
    path = tmp_path / "users"
    if kind == "text":
        path.write_bytes(gzip.compress(b"alice\n" * 5_001))
    else:
        pq.write_table(pa.table({"user": ["alice"] * 5_001}), path)

    with pytest.raises(BadInput, match=r"more than 5 000 (lines|rows)"):
        read_users_file(str(path), warn=pytest.fail)


def test_a_parquet_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readstate.input.parquet_reader.MOST_MEMORY", "30MB")
    path = tmp_path / "users.parquet"
    cells = pa.array(["x" * 50_000] * 1_000)
    pq.write_table(pa.table({"user": cells}), path, compression="zstd", use_dictionary=False, data_page_size=1 << 30)

    with pytest.raises(BadInput, match="needs more than 30MB of memory"):
        read_users_file(str(path), warn=pytest.fail)
    assert path.stat().st_size < 20_000


def test_a_file_has_so_many_bytes_when_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readstate.input.source.MOST_BYTES", 100_000)

    linted = Linted(gzip.compress((HEADER + f"anna,{CH},delete\n" * 100_000).encode()))

    assert "E-LIMIT" in linted.codes
    assert "more than 100 kB when it is unpacked" in next(p.message for p in linted.problems if p.code == "E-LIMIT")
