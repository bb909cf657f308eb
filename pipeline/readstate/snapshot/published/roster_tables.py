"""Users and failures as the Parquet files of a snapshot."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from readstate.snapshot.published.parquet import FinishedFile, null_columns, write_rows
from readstate.snapshot.published.schema import FAILURES, USERS

_ROWS_AT_ONCE = 2_000

Row = dict[str, Any]


def write_users(rows: Iterable[Row], folder: Path, *, blanked_columns: Sequence[str]) -> FinishedFile:
    """Write the users of the roster, each with its result. Raise `LocalDisk`."""
    return write_rows(_tables(rows, USERS, blanked_columns), USERS, folder / "users-00000.parquet")


def write_failures(rows: Iterable[Row], folder: Path, *, blanked_columns: Sequence[str]) -> FinishedFile:
    """Write the users that could not be read, each with the reason. Raise `LocalDisk`."""
    return write_rows(_tables(rows, FAILURES, blanked_columns), FAILURES, folder / "failures-00000.parquet")


def _tables(rows: Iterable[Row], schema: pa.Schema, blanked_columns: Sequence[str]) -> Iterator[pa.Table]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        yield null_columns(pa.Table.from_pylist(chunk, schema=schema), blanked_columns)
