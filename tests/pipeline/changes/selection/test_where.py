"""Conditions in SQL: true for rows, blind to everything else."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from readstate.changes.selection.where import Where
from readstate.errors import BadInput

COLUMNS = pa.schema(
    [("unread", pa.int32()), ("name", pa.string()), ("updated", pa.timestamp("us", "UTC")), ("attributes", pa.string())]
)  # fmt: skip
secret = pa.table({"unread": [1]})


def rows(**columns: list[Any]) -> pa.Table:
    length = len(next(iter(columns.values())))
    return pa.table([columns.get(name, [None] * length) for name in COLUMNS.names], schema=COLUMNS)


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("unread > 1", [False, True, False]),
        ("unread is null or name = 'é;--'", [False, False, True]),
        ("name like 'a%' -- a remark", [True, False, False]),
        ("updated < timestamptz '2026-01-02 00:00:00+00'", [True, False, False]),
        ("date_trunc('month', updated) = date '2026-03-01'", [False, True, False]),
        ("try_cast(attributes as json) ->> 'vip' = 'true'", [False, True, False]),
        ("name in ('b')", [False, True, False]),
        ('list_contains([\'"class":"SUBQUERY"\'], name)', [False, False, False]),
    ],
)
def test_an_expression_keeps_the_rows_that_it_is_true_for(expression: str, kept: list[bool]) -> None:
    table = rows(
        unread=[1, 5, None],
        name=["ab", "b", None],
        updated=[datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, tzinfo=UTC), None],
        attributes=["no json", '{"vip": true}', None],
    )

    assert Where(expression, COLUMNS)(table).to_pylist() == kept


@pytest.mark.parametrize(
    "expression",
    [
        "", "   ", "nonsense = 1", "unread >", "unread > 1; drop table x", "1 = 1) or (1 = 1", "unread = 1 limit 1",
        "unread = 1 order by 1", "unread = 1, unread = 2", "unread = $1", "count(*) = 1", "row_number() over () = 1",
        "unread in (select unread from secret)", "exists (from secret)",
        "exists (select 1 from query('select 1'))", "name = getenv('HOME')",
    ],
)  # fmt: skip
def test_whatever_is_no_condition_on_one_row_is_refused_before_anything_is_asked(expression: str) -> None:
    with pytest.raises(BadInput, match="--where") as refused:
        Where(expression, COLUMNS)

    assert "unread, name, updated" in (refused.value.hint or "")


def test_an_expression_that_fails_on_a_row_says_so() -> None:
    where = Where("name::int = 1", COLUMNS)

    with pytest.raises(BadInput, match="ab"):
        where(rows(name=["ab"]))


@pytest.mark.parametrize("function", ["read_csv", "read_text", "read_blob", "read_parquet", "read_json", "glob"])
def test_no_expression_reads_a_file(function: str, tmp_path: Path) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("unread\n1\n")

    with pytest.raises(BadInput):
        Where(f"exists (select 1 from {function}('{file}'))", COLUMNS)
    with pytest.raises(BadInput):
        Where(f"exists (select 1 from '{file}')", COLUMNS)


def test_no_expression_reaches_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        port = server.getsockname()[1]
        with pytest.raises(BadInput):
            Where(f"exists (select 1 from read_csv('http://127.0.0.1:{port}/x.csv'))", COLUMNS)

        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
        "COPY (SELECT 1) TO '{file}.out'",
        "ATTACH '{file}.db'",
        "INSTALL httpfs",
        "LOAD '{file}'",
        "SET enable_external_access = true",
        "SET python_enable_replacements = true",
        "RESET lock_configuration",
        "SELECT * FROM secret",
    ],
)
def test_even_a_statement_that_got_through_could_not_get_out(statement: str, tmp_path: Path) -> None:
    """A second wall behind the first: the database itself is closed, and stays so."""
    file = tmp_path / "file"
    file.write_text("unread\n1\n")
    where = Where("unread = 1", COLUMNS)

    with pytest.raises(duckdb.Error):
        where._database.execute(statement.format(file=file)).fetchall()

    assert [path.name for path in tmp_path.iterdir()] == ["file"]
