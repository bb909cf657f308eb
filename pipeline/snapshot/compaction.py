"""Merges sorted parts into the files that are published: sorted, without duplicates, in bounded memory.

The parts tell the last key of each of their batches, so the key space is cut beforehand into ranges of some tens of
thousands of rows. Range by range, each part gives its rows up to the range's last key; together they are sorted once.
At any time one range and one small batch a part are in memory, however many rows there are.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.snapshot.parquet_files import FinishedFile, parquet_file, write_rows
from pipeline.snapshot.parts import SORT_KEYS, BatchIndex, Key, OpenPart, key_at
from pipeline.snapshot.schema import KEY, USER_CONVERSATIONS

__all__ = ["FinishedFile", "compact", "write_rows"]

_RANGE_ROWS = 16_384
_ROW_GROUP_ROWS = 32_768


def compact(parts: Sequence[Path], folder: Path, *, run_id: str, file_bytes: int) -> Iterator[FinishedFile]:
    """Merge *parts* into Parquet files of about *file_bytes* in *folder*, named after the run; give each when done.

    Of rows with the same key the last one stays. The same rows give the same bytes, however parts divide them.
    Raises `LocalDisk`.
    """
    groups = _row_groups(_merged([OpenPart(path) for path in parts]))
    group = next(groups, None)
    number = 0
    while group is not None:
        path = folder / f"{run_id}-{number:05}.parquet"
        with parquet_file(path, USER_CONVERSATIONS) as parquet:
            while group is not None and parquet.bytes < file_bytes:
                parquet.write(group)
                group = next(groups, None)
        yield FinishedFile(path, parquet.rows, parquet.bytes, parquet.sha256)
        number += 1


def _merged(parts: Sequence[OpenPart]) -> Iterator[pa.Table]:
    cursors = [_Cursor(part) for part in parts]
    for bound in _bounds([batch for part in parts for batch in part.index]):
        pieces = [piece for cursor in cursors for piece in cursor.up_to(bound)]
        yield _without_duplicates(_sorted(pieces))


def _bounds(batches: Iterable[BatchIndex]) -> Iterator[Key]:
    """Give the last key of each range; the last range ends with the last row of all."""
    rows = 0
    last: Key | None = None
    for batch in sorted(batches, key=lambda batch: batch.last_key):
        rows += batch.rows
        last = batch.last_key
        if rows >= _RANGE_ROWS:
            yield last
            rows, last = 0, None
    if last is not None:
        yield last


class _Cursor:
    """Reads one part from its first row to its last."""

    def __init__(self, part: OpenPart) -> None:
        self._batches = part.batches()
        self._last_keys = iter([batch.last_key for batch in part.index])
        self._batch = next(self._batches, None)
        self._last_key = next(self._last_keys)

    def up_to(self, bound: Key) -> Iterator[pa.RecordBatch]:
        """Give the rows that are left with keys up to *bound*."""
        while self._batch is not None and self._last_key <= bound:
            yield self._batch
            self._advance()
        if self._batch is not None:
            batch = self._batch
            position = bisect_right(range(len(batch)), bound, key=lambda row: key_at(batch, row))
            if position:
                yield batch.slice(0, position)
                self._batch = batch.slice(position)

    def _advance(self) -> None:
        self._batch = next(self._batches, None)
        if self._batch is not None:
            self._last_key = next(self._last_keys)


def _sorted(pieces: Sequence[pa.RecordBatch]) -> pa.Table:
    """Sort by key; rows with the same key stay in the order of their pieces."""
    table = pa.Table.from_batches([piece.replace_schema_metadata(None) for piece in pieces]).combine_chunks()
    return table.take(pc.sort_indices(table, sort_keys=SORT_KEYS))


def _without_duplicates(table: pa.Table) -> pa.Table:
    """Keep the last of neighbours with the same key."""
    repeated = pc.equal(table["conversation_sid"][:-1], table["conversation_sid"][1:])
    if not pc.any(repeated).as_py():
        return table
    for name in KEY[:2]:
        repeated = pc.and_(repeated, pc.equal(table[name][:-1], table[name][1:]))
    last = pa.chunked_array([*pc.invert(repeated).chunks, pa.array([True])])
    return table.filter(last)


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Cut the stream anew, by row count alone: where a group ends must not depend on where a range ended."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        while rows >= _ROW_GROUP_ROWS:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, _ROW_GROUP_ROWS)
            rows -= _ROW_GROUP_ROWS
            waiting = [joined.slice(_ROW_GROUP_ROWS)]
    if rows:
        yield pa.concat_tables(waiting)
