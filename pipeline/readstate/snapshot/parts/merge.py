"""Sorted parts as one sorted stream, without duplicates, in bounded memory.

The parts tell the last key of each of their batches, so the key space is cut beforehand into ranges of some megabytes.
Range by range, each part gives its rows up to the range's last key; together they are sorted once. At any time one
range and one small batch a part are in memory, however many rows there are.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from readstate.snapshot.parts.sorted_run import BatchIndex, Key, SortedRun, key_at
from readstate.snapshot.parts.sorting import sort_columns
from readstate.snapshot.published.schema import KEY, ROWS

_RANGE_BYTES = 12 << 20


def merge(runs: Sequence[SortedRun]) -> Iterator[pa.Table]:
    """Give the rows of all *runs* sorted by key; of rows with the same key the last one of the last run stays."""
    cursors = [_Cursor(run) for run in runs]
    for bound in _bounds(batch for run in runs for batch in run.index):
        columns: list[list[pa.Array]] = [[] for _ in ROWS]
        for cursor in cursors:
            for piece in cursor.up_to(bound):
                for chunks, column in zip(columns, piece.columns, strict=True):
                    chunks.append(column)
        if columns[0]:  # a key that ends two batches bounds two ranges, and the second one is empty
            yield _without_duplicates(sort_columns(columns))


def _bounds(batches: Iterable[BatchIndex]) -> Iterator[Key]:
    """Give the last key of each range; the last range ends with the last row of all."""
    size = 0
    last: Key | None = None
    for batch in sorted(batches, key=lambda batch: batch.last_key):
        size += batch.bytes
        last = batch.last_key
        if size >= _RANGE_BYTES:
            yield last
            size, last = 0, None
    if last is not None:
        yield last


class _Cursor:
    """Reads one run from its first row to its last."""

    def __init__(self, run: SortedRun) -> None:
        self._batches = run.batches()
        self._last_keys = iter([batch.last_key for batch in run.index])
        self._batch = next(self._batches, None)
        self._last_key = next(self._last_keys)

    def up_to(self, bound: Key) -> Iterator[pa.RecordBatch]:
        """Give the rows that are left with keys up to *bound*."""
        while self._batch is not None and self._last_key <= bound:
            yield self._batch
            self._batch = next(self._batches, None)
            self._last_key = next(self._last_keys, bound)
        if self._batch is not None:
            batch = self._batch
            position = bisect_right(range(len(batch)), bound, key=lambda row: key_at(batch, row))
            if position:
                yield batch.slice(0, position)
                self._batch = batch.slice(position)


def _without_duplicates(table: pa.Table) -> pa.Table:
    """Keep the last of neighbours with the same key."""
    repeated = _like_the_next(table["conversation_sid"])
    if not pc.any(repeated).as_py():
        return table
    for name in KEY[:2]:
        repeated = pc.and_(repeated, _like_the_next(table[name]))
    return table.filter(pa.concat_arrays([pc.invert(repeated), pa.array([True])]))


def _like_the_next(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    return pc.equal(values[:-1], values[1:])
