"""A part: the rows of whole users, sorted, in one local file that is written once and read once while merging.

The file holds record batches and, last, their index. Each batch covers whole *ranges* of the key space, and ranges are
the same in every part: merging reads the same ranges of all parts side by side, and needs no more memory than these
take, however many rows there are.
"""

import os
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from readstate.disk.files import atomic_write, translate_os_errors
from readstate.errors import Damaged
from readstate.snapshot.parts.derived_columns import PART_ROWS
from readstate.snapshot.published.schema import KEY

_BATCH_BYTES = 300 << 10
"""Smaller batches cost more to read than their rows cost to sort."""
_ROW_BYTES = 1_000
"""What a row counts besides its `attributes`, the only column that can be long."""
_PREFIX_CHARACTERS = 4
"""Of a user's SID: "US" and two hexadecimal digits make 256 ranges for each service."""
_SEPARATOR = "\n"
_LENGTH_BYTES = 8
_CHECKSUM_BYTES = 4
_CODEC = "lz4"
_RESTART = "Run the same command with --restart: it starts the export over."
_SORT_KEYS = [(name, "ascending") for name in KEY]


class Range(NamedTuple):
    """The users of one service whose SIDs begin alike. Ranges sort as their rows do."""

    chat_service_sid: str
    user_sid_prefix: str


class RangeSize(NamedTuple):
    """How much of one range a part holds."""

    range: Range
    start: int
    """Its first row in the batch."""
    rows: int
    bytes: int
    """Counted row by row, so that the sum over all parts does not depend on how rows are divided among them."""


class _Batch(msgspec.Struct, frozen=True, array_like=True):
    offset: int
    compressed_bytes: int
    checksum: int
    """Of the compressed bytes: pyarrow does not check what it reads, and a wrong offset ends the process."""
    bytes: int
    ranges: list[RangeSize]


class Part(Struct, frozen=True):
    """A part that is complete and on disk."""

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

    def add(self, table: pa.Table, table_bytes: int) -> None:
        """Add all rows of some users, which take *table_bytes* of memory."""
        self._tables.append(table)
        self.count += len(table)
        self.bytes += table_bytes

    def sorted(self) -> pa.Table:
        """Return all rows sorted by key; of the same key in their order. From then on they are kept sorted."""
        columns, order = _columns_and_order(pa.concat_tables(self._tables))
        # No table holds the columns any more: each can go as soon as it is sorted, before the next one is copied.
        self._tables.clear()
        self._tables.append(pa.table([_taken(columns, order) for _ in PART_ROWS], schema=PART_ROWS))
        return self._tables[0]


def sort_rows(table: pa.Table) -> pa.Table:
    """Return *table* sorted by key; rows with the same key keep their order."""
    columns, order = _columns_and_order(table)
    return pa.table([_taken(columns, order) for _ in table.schema], schema=table.schema)


def _columns_and_order(table: pa.Table) -> tuple[deque[pa.ChunkedArray], pa.Array]:
    return deque(table.columns), pc.sort_indices(table.select(KEY).combine_chunks(), sort_keys=_SORT_KEYS)


def _taken(columns: deque[pa.ChunkedArray], order: pa.Array) -> pa.Array:
    # Column by column: the table is in memory twice anyway, and would be three times if all chunks were joined first.
    return columns.popleft().combine_chunks().take(order)


def seal_part(rows: CollectedRows, folder: Path) -> Part | None:
    """Sort *rows* and write them to a new part in *folder*; return None where there are none.

    Raise `LocalDisk`; *rows* can be sealed again then. Not for two threads at once.
    """
    if rows.count == 0:
        return None
    table = rows.sorted()
    path = folder / f"part-{_next_number(folder):06}.arrow"
    with atomic_write(path) as file:
        index: list[_Batch] = []
        offset = 0
        for ranges, batch in _batches(table):
            content = batch.serialize()
            compressed = pa.compress(content, _CODEC, asbytes=True)
            _write_all(file, compressed)
            index.append(_Batch(offset, len(compressed), zlib.crc32(compressed), content.size, ranges))
            offset += len(compressed)
        encoded = msgspec.json.encode(index)
        _write_all(file, encoded + zlib.crc32(encoded).to_bytes(_CHECKSUM_BYTES) + len(encoded).to_bytes(_LENGTH_BYTES))
    pa.default_memory_pool().release_unused()  # else memory that sorting took stays with the process
    return Part(path, len(table), _count_users(table), path.stat().st_size)


class PartReader:
    """Reads one part from its first range to its last."""

    def __init__(self, path: Path) -> None:
        """Read the index. Raise `LocalDisk`, and `Damaged` for a part that is not as it was written."""
        self._path = path
        batches = _read_index(path)
        self.ranges = [found for batch in batches for found in batch.ranges]
        self._batch_of_range = [batch for batch in batches for _ in batch.ranges]
        self._position = 0
        self._loaded: tuple[_Batch, pa.RecordBatch] | None = None

    def read_through(self, last: Range) -> Iterator[pa.RecordBatch]:
        """Yield the rows of all ranges up to *last* that were not read before. Raise `LocalDisk`, `Damaged`."""
        while (batch := self._next_batch(last)) is not None:
            first = end = self.ranges[self._position]
            # The ranges of a batch stand side by side: one slice for all of them.
            while self._next_batch(last) is batch:
                end = self.ranges[self._position]
                self._position += 1
            yield self._load(batch).slice(first.start, end.start + end.rows - first.start)
        is_batch_begun = self._position < len(self.ranges) and self.ranges[self._position].start > 0
        if not is_batch_begun:
            self._loaded = None

    def _next_batch(self, last: Range) -> _Batch | None:
        """Return the batch of the next range, None where that is beyond *last*."""
        is_wanted = self._position < len(self.ranges) and self.ranges[self._position].range <= last
        return self._batch_of_range[self._position] if is_wanted else None

    def _load(self, batch: _Batch) -> pa.RecordBatch:
        if self._loaded is None or self._loaded[0] is not batch:
            # Opened each time: of many millions of rows there are more parts than a process may have open files.
            # Not mapped: pages of a mapped file count as memory of this process.
            with translate_os_errors(self._path), self._path.open("rb") as file:
                file.seek(batch.offset)
                compressed = file.read(batch.compressed_bytes)
            if zlib.crc32(compressed) != batch.checksum:
                raise _damaged(self._path)
            content = pa.decompress(compressed, batch.bytes, _CODEC)
            self._loaded = batch, pa.ipc.read_record_batch(content, PART_ROWS)
        return self._loaded[1]


def _batches(table: pa.Table) -> Iterator[tuple[list[RangeSize], pa.RecordBatch]]:
    """Cut a sorted table into batches of whole ranges, each of which ends as soon as it is large enough."""
    ranges: list[RangeSize] = []
    first = 0
    for found, start, end, size in _ranges(table):
        ranges.append(RangeSize(found, start - first, end - start, size))
        if end == len(table) or sum(one.bytes for one in ranges) >= _BATCH_BYTES:
            (batch,) = table.slice(first, end - first).to_batches()
            yield ranges, batch
            ranges, first = [], end


def _ranges(table: pa.Table) -> Iterator[tuple[Range, int, int, int]]:
    """Yield each range of a sorted table, its first row, the row after its last one, and its bytes."""
    # Prefixes sort as the SIDs do, so the rows of a range stand together and no cut has to be searched for.
    prefixes = pc.utf8_slice_codeunits(table["user_sid"], 0, _PREFIX_CHARACTERS)
    names = pc.binary_join_element_wise(table["chat_service_sid"], prefixes, _SEPARATOR).combine_chunks()
    runs = pc.run_end_encode(names)
    lengths = pc.fill_null(pc.binary_length(table["attributes"]), 0).cast(pa.int64())
    bytes_before = [0, *pc.cumulative_sum(pc.add(lengths, _ROW_BYTES)).take(pc.subtract(runs.run_ends, 1)).to_pylist()]
    start = 0
    for number, (name, end) in enumerate(zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True)):
        service, _, prefix = name.partition(_SEPARATOR)
        yield Range(service, prefix), start, end, bytes_before[number + 1] - bytes_before[number]
        start = end


def _read_index(path: Path) -> list[_Batch]:
    with translate_os_errors(path, hint=_RESTART), path.open("rb") as file:
        end = file.seek(0, os.SEEK_END) - _CHECKSUM_BYTES - _LENGTH_BYTES
        file.seek(max(0, end))
        checksum, length = int.from_bytes(file.read(_CHECKSUM_BYTES)), int.from_bytes(file.read(_LENGTH_BYTES))
        if not 0 <= length <= end:
            raise _damaged(path)
        file.seek(end - length)
        encoded = file.read(length)
    if zlib.crc32(encoded) != checksum:
        raise _damaged(path)
    return msgspec.json.decode(encoded, type=list[_Batch])


def _damaged(path: Path) -> Damaged:
    return Damaged(f"{path}: this part of an unfinished export is not as it was written", hint=_RESTART)


def _write_all(file: BinaryIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _count_users(table: pa.Table) -> int:
    users = table["user_sid"]
    return 1 + int(pc.sum(pc.not_equal(users[1:], users[:-1]), min_count=0).as_py())


def _next_number(folder: Path) -> int:
    return 1 + max((int(path.stem.removeprefix("part-")) for path in folder.glob("part-*.arrow")), default=0)
