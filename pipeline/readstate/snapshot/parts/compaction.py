"""From parts to the files that are published: merged range by range, sorted, without duplicates."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from readstate.snapshot.parts.derived_columns import PART_ROWS, with_derived_columns
from readstate.snapshot.parts.part import PartReader, Range, sort_rows
from readstate.snapshot.published.parquet import FinishedFile, null_columns, open_row_group_writer
from readstate.snapshot.published.schema import KEY, USER_CONVERSATIONS

ROW_GROUP_BYTES = 20_000_000


def compact(
    parts: Sequence[Path],
    folder: Path,
    *,
    run_id: str,
    snapshot_at: datetime,
    file_bytes: int,
    blanked_columns: Collection[str] = (),
    row_group_bytes: int = ROW_GROUP_BYTES,
) -> Iterator[FinishedFile]:
    """Merge *parts* into Parquet files of about *file_bytes* in *folder*, named after the run; yield each when done.

    Of rows with the same key the last one stays, and all say that they were seen at *snapshot_at*: parts of several
    shards know only when their shard began. The same rows give the same bytes, however they are divided into parts.
    Raise `LocalDisk`.
    """
    pa.default_memory_pool().release_unused()  # reading has left some behind
    groups = _merged(parts, snapshot_at, blanked_columns, row_group_bytes)
    group = next(groups, None)
    number = 0
    while group is not None or number == 0:  # one file where there are no rows: readers need a schema
        path = folder / f"{run_id}-{number:05}.parquet"
        with open_row_group_writer(path, USER_CONVERSATIONS) as parquet:
            while group is not None and (parquet.rows == 0 or parquet.bytes < file_bytes):
                parquet.write(group)
                del group  # its memory is needed for the next one
                group = next(groups, None)
        yield FinishedFile(path, parquet.rows, parquet.bytes, parquet.sha256)
        number += 1


def _merged(
    parts: Sequence[Path], snapshot_at: datetime, blanked_columns: Collection[str], row_group_bytes: int
) -> Iterator[pa.Table]:
    """Yield one row group after the other; the rows of one are in memory at a time."""
    readers = [PartReader(path) for path in parts]
    for last in _row_group_ends(readers, row_group_bytes):
        # Without variables: this generator would keep what they hold in memory while the group is written.
        yield null_columns(
            with_derived_columns(_without_duplicates(_sorted_rows(readers, last)), snapshot_at), blanked_columns
        )


def _sorted_rows(readers: Sequence[PartReader], last: Range) -> pa.Table:
    batches = [batch for reader in readers for batch in reader.read_through(last)]
    return sort_rows(pa.Table.from_batches(batches, PART_ROWS))


def _row_group_ends(readers: Sequence[PartReader], row_group_bytes: int) -> Iterator[Range]:
    """Yield the last range of each row group, by the rows alone: parts of other sizes give the same row groups."""
    bytes_of_range: Counter[Range] = Counter()
    for reader in readers:
        bytes_of_range.update({found.range: found.bytes for found in reader.ranges})
    ranges = sorted(bytes_of_range)
    # By the index alone, before a row is read: a range has the same bytes in total however parts divide its rows.
    size = 0
    for found in ranges:
        size += bytes_of_range[found]
        if size >= row_group_bytes or found == ranges[-1]:
            yield found
            size = 0


def _without_duplicates(table: pa.Table) -> pa.Table:
    """Keep the last of neighbours with the same key."""
    repeated = _equals_next(table["conversation_sid"])
    if not pc.any(repeated).as_py():
        return table
    for name in KEY[:2]:
        repeated = pc.and_(repeated, _equals_next(table[name]))
    return table.filter(pa.concat_arrays([pc.invert(repeated), pa.array([True])]))


def _equals_next(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    return pc.equal(values[:-1], values[1:])
