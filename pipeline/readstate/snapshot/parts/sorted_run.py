"""A sorted run: rows in a local file, sorted by key, to be read once, a small batch at a time.

Arrow IPC with lz4, since it is written once and read once: half of what Parquet takes to write, a third to read.
What is known of each batch before it is read lets a merge say how far it may go with how much memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec
import pyarrow as pa

from readstate.files import atomic_write, translate_os_errors
from readstate.snapshot.published.schema import KEY, ROWS

_INDEX = b"readstate.batches"
_BATCH_BYTES = 512 << 10
_MOST_ROWS = 2048
_FEWEST_ROWS = 16
_STAGGER = 16


class Key(NamedTuple):
    """Names one row. Compares as Arrow sorts: code points and UTF-8 have one order."""

    chat_service_sid: str
    user_sid: str
    conversation_sid: str


class BatchIndex(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one record batch."""

    last_key: Key
    bytes: int
    """Memory that it takes."""


@dataclass(frozen=True, slots=True)
class SortedRun:
    """A file of sorted rows."""

    path: Path
    index: Sequence[BatchIndex]
    """One entry for each batch."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows, each batch read when it is asked for. Raises `LocalDisk`."""
        # Not mapped: pages of a mapped file count as memory of this process.
        with translate_os_errors(self.path), pa.OSFile(str(self.path)) as source:
            reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(use_threads=False))
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).replace_schema_metadata(ROWS.metadata)


def key_at(batch: pa.RecordBatch, row: int) -> Key:
    """Give the key of one row."""
    return Key(*(batch[name][row].as_py() for name in KEY))


def write_part(table: pa.Table, path: Path) -> None:
    """Write sorted rows to a file that takes its name when it is whole, and holds its own index. Raises `LocalDisk`."""
    batches = list(_small_batches(table))
    index = msgspec.json.encode([entry for _, entry in batches])
    with atomic_write(path) as file, _writer(file, table.schema.with_metadata({_INDEX: index})) as writer:
        for batch, _ in batches:
            writer.write_batch(batch)


def open_part(path: Path) -> SortedRun:
    """Read the index of a part. Raises `LocalDisk`."""
    with translate_os_errors(path), pa.OSFile(str(path)) as source:
        metadata = pa.ipc.open_file(source).schema.metadata
    return SortedRun(path, msgspec.json.decode(metadata[_INDEX], type=list[BatchIndex]))


def write_run(tables: Iterable[pa.Table], path: Path) -> SortedRun:
    """Write a stream of sorted rows, for this process alone. Raises `LocalDisk`."""
    index = []
    with translate_os_errors(path), path.open("wb") as file, _writer(file, ROWS) as writer:
        for table in tables:
            for batch, entry in _small_batches(table):
                writer.write_batch(batch)
                index.append(entry)
    return SortedRun(path, index)


def _writer(file: object, schema: pa.Schema) -> pa.ipc.RecordBatchFileWriter:
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    return pa.ipc.new_file(file, schema, options=options)


def _small_batches(table: pa.Table) -> Iterator[tuple[pa.RecordBatch, BatchIndex]]:
    row_bytes = table.nbytes / len(table)
    rows = min(_MOST_ROWS, max(_FEWEST_ROWS, int(_BATCH_BYTES / row_bytes)))
    table = table.combine_chunks()
    # Users are spread over all parts alike. Did their first batches have one size, all parts would need their next
    # batch at the same keys, and a merge would have to take most of a batch from each of them at once.
    first = rows * (1 + crc32(table["user_sid"][0].as_buffer()) % _STAGGER) // _STAGGER
    pieces = [table.slice(0, first), table.slice(first)]
    for batch in (batch for piece in pieces for batch in piece.to_batches(max_chunksize=rows)):
        # To measure each batch takes longer than to read it, and the mean is near enough.
        yield batch, BatchIndex(key_at(batch, len(batch) - 1), int(len(batch) * row_bytes))
