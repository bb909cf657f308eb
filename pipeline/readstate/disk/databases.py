"""What goes wrong with SQLite files on the local disk: a damaged one, or a disk that refuses, becomes `LocalDisk`."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from readstate.errors import Damaged, LocalDisk
from readstate.foreign_json import UnusableJson

Row = TypeVar("Row")

# Answers about the disk, its permissions and other processes. All others say that the file is not what was written.
_REFUSED = {
    sqlite3.SQLITE_AUTH, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}  # fmt: skip


@contextmanager
def translate_database_errors(path: Path | str, *, kind: str, hint: str, if_damaged: str) -> Iterator[None]:
    """Raise what SQLite reports in the block about the *kind* of file at *path*, or a value that is not to be there.

    Raise `Damaged` with the hint *if_damaged*, or `LocalDisk` with *hint* where the disk refuses.
    """
    try:
        yield
    except sqlite3.ProgrammingError:  # a bug of readstate, such as a connection that is closed already
        raise
    except (sqlite3.Error, UnicodeDecodeError, msgspec.ValidationError, UnusableJson) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_GETTEMPPATH:
            # SQLite says "disk I/O error" of a file that is well: it sorts in a temporary one.
            raise LocalDisk("there is no folder for temporary files", hint="Set TMPDIR to one.") from error
        if is_damage(error):
            raise Damaged(f"{path}: the {kind} is damaged ({error})", hint=if_damaged) from error
        raise LocalDisk(f"{path}: {error}", hint=hint) from error


def is_damage(error: Exception) -> bool:
    """Return whether *error* is about the contents of a file, and not about the disk below it."""
    # Text that is no UTF-8 is reported without a code, and where it is part of SQLite's message, not by SQLite.
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _REFUSED


def typed_rows(
    connection: sqlite3.Connection, query: str, parameters: Any = (), *, row_type: type[Row]
) -> Iterator[Row]:
    """Yield the rows of *query*, each as *row_type*. Raise `msgspec.ValidationError` for one that is something else.

    A column of SQLite takes values of every type, so that a damaged file may hold text where a number was written.
    """
    for row in connection.execute(query, parameters):
        yield msgspec.convert(row, row_type)
