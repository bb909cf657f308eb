"""Rows of whole users become a part: one local file, sorted, durable."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from readstate.snapshot.parts.sorted_run import write_part
from readstate.snapshot.parts.sorting import sort_columns
from readstate.snapshot.published.schema import ROWS


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is whole and on disk."""

    path: Path
    rows: int
    users: int
    bytes: int


class CollectedRows:
    """The rows of whole users that will be one part."""

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        """Memory that they take."""
        self._tables: list[pa.Table] = []
        self._columns: list[list[pa.Array]] = [[] for _ in ROWS]

    def add(self, table: pa.Table, table_bytes: int) -> None:
        """Take all rows of some users, which take *table_bytes* of memory."""
        self._tables.append(table)
        self.count += len(table)
        self.bytes += table_bytes

    def by_column(self) -> list[list[pa.Array]]:
        """Give the chunks of each column; no table holds them any more, so that one column can go before the others."""
        for table in self._tables:
            for chunks, column in zip(self._columns, table.columns, strict=True):
                chunks.extend(column.chunks)
        self._tables.clear()
        return self._columns


def seal_part(rows: CollectedRows, folder: Path) -> Part | None:
    """Sort *rows* and write them to a new part in *folder*; None where there are none.

    Raises `LocalDisk`, and *rows* can be sealed again then. Not for two threads at once.
    """
    if rows.count == 0:
        return None
    table = sort_columns(rows.by_column())
    path = folder / f"part-{_next_number(folder):06}.arrow"
    write_part(table, path)
    pa.default_memory_pool().release_unused()  # else memory that sorting took stays with the process
    return Part(path, len(table), _count_users(table), path.stat().st_size)


def _count_users(table: pa.Table) -> int:
    users = table["user_sid"]
    return 1 + int(pc.sum(pc.not_equal(users[1:], users[:-1]), min_count=0).as_py())


def _next_number(folder: Path) -> int:
    return 1 + max((int(path.stem.removeprefix("part-")) for path in folder.glob("part-*.arrow")), default=0)
