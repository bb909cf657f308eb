"""Collects rows of whole users, and seals them as a part: one local file, sorted, durable."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.snapshot.schema import ROWS
from pipeline.snapshot.sorted_run import write_part
from pipeline.snapshot.sorting import sort_columns


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is whole and on disk."""

    path: Path
    rows: int
    users: int
    bytes: int


class PartWriter:
    """Collects the rows of whole users until they are to be sealed. Not for two threads at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begin()

    def _begin(self) -> None:
        self._columns: list[list[pa.Array]] = [[] for _ in ROWS]
        self.rows = 0
        """Rows that wait."""
        self.bytes = 0
        """Memory that they take."""

    def add(self, table: pa.Table) -> None:
        """Take all rows of some users."""
        for chunks, column in zip(self._columns, table.columns, strict=True):
            chunks.extend(column.chunks)
        self.rows += len(table)
        self.bytes += table.nbytes

    def seal(self) -> Part | None:
        """Write what was collected to a new part and begin anew; None where there are no rows.

        Raises `LocalDisk`, and keeps the rows then.
        """
        if self.rows == 0:
            return None
        table = sort_columns(self._columns)
        path = self._folder / f"part-{_next_number(self._folder):06}.arrow"
        write_part(table, path)
        part = Part(path, self.rows, _count_users(table), path.stat().st_size)
        self._begin()
        return part


def _count_users(table: pa.Table) -> int:
    users = table["user_sid"]
    return 1 + int(pc.sum(pc.not_equal(users[1:], users[:-1]), min_count=0).as_py())


def _next_number(folder: Path) -> int:
    return 1 + max((int(path.stem.removeprefix("part-")) for path in folder.glob("part-*.arrow")), default=0)
