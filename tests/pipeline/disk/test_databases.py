import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from readstate.disk.databases import translate_database_errors, typed_rows
from readstate.errors import Damaged, LocalDisk


class Row(NamedTuple):
    name: str
    number: int


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "test.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE test (name TEXT, number INTEGER); INSERT INTO test VALUES ('a', 1)")
    return path


def use(path: Path, *statements: str) -> list[Row]:
    with (
        translate_database_errors(path, kind="test file", hint="Free some space.", if_damaged="Begin again."),
        closing(sqlite3.connect(path)) as connection,
    ):
        for statement in statements:
            connection.execute(statement)
        return list(typed_rows(connection, "SELECT * FROM test", row_type=Row))


def test_rows_have_the_types_that_were_written(path: Path) -> None:
    assert use(path) == [Row("a", 1)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE test SET number = 'one'",
        "UPDATE test SET number = NULL",
        "UPDATE test SET name = X'41'",
        "UPDATE test SET name = CAST(X'FF' AS TEXT)",
        "ALTER TABLE test ADD COLUMN more",
        "DROP TABLE test",
    ],
)
def test_a_value_of_another_type_is_damage(damage: str, path: Path) -> None:
    with pytest.raises(Damaged, match=r"test\.sqlite: the test file is damaged .*\nBegin again\."):
        use(path, damage)


def test_bytes_that_sqlite_cannot_even_name_are_damage(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE test", b"CREATE TABLE \xff\xfe\xfdt"))

    with pytest.raises(Damaged):
        use(path)


@pytest.mark.parametrize("refusal", ["PRAGMA max_page_count = 2", "PRAGMA query_only = ON"])
def test_a_disk_that_refuses_is_no_damage(refusal: str, path: Path) -> None:
    with pytest.raises(LocalDisk, match="Free some space") as refused:
        use(path, refusal, "INSERT INTO test VALUES (hex(zeroblob(99999)), 1)")

    assert not isinstance(refused.value, Damaged)


def test_a_connection_that_is_closed_is_a_bug(path: Path) -> None:
    with (
        pytest.raises(sqlite3.ProgrammingError),
        translate_database_errors(path, kind="test file", hint="", if_damaged=""),
    ):
        connection = sqlite3.connect(path)
        connection.close()
        connection.execute("SELECT 1")


def test_a_missing_folder_for_temporary_files_is_not_told_as_a_fault_of_the_file(path: Path) -> None:
    """On a read-only system without /tmp, SQLite says "disk I/O error", and means no file that we have named."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_GETTEMPPATH

    with (
        pytest.raises(LocalDisk, match="there is no folder for temporary files\nSet TMPDIR"),
        translate_database_errors(path, kind="test file", hint="Free some space.", if_damaged="Begin again."),
    ):
        raise error
