"""From parts to the files that are published: merged, cut into row groups and files by the rows alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from readstate.snapshot.parts.merge import merge
from readstate.snapshot.parts.prefetch import one_ahead
from readstate.snapshot.parts.sorted_run import SortedRun, open_part, write_run
from readstate.snapshot.published.parquet import FinishedFile, normalized, open_row_group_writer
from readstate.snapshot.published.schema import ROWS, USER_CONVERSATIONS

_MOST_RUNS_AT_ONCE = 64
_ROW_BYTES = 1_000
_ROW_GROUP_BYTES = 21_000_000


def compact(
    parts: Sequence[Path], folder: Path, *, run_id: str, snapshot_at: datetime, file_bytes: int
) -> Iterator[FinishedFile]:
    """Merge *parts* into Parquet files of about *file_bytes* in *folder*, named after the run; give each when done.

    Of rows with the same key the last one stays, and all say that they were seen at *snapshot_at*: parts of several
    shards know only when their shard began. The same rows give the same bytes, however parts divide them.
    Raises `LocalDisk`.
    """
    pa.default_memory_pool().release_unused()  # reading has left some behind
    with (
        _few(parts, folder) as runs,
        # To merge takes about as long as to compress: on two cores both go on at once.
        one_ahead(_row_groups(merge(runs), snapshot_at)) as groups,
    ):
        group = next(groups, None)
        number = 0
        while group is not None:
            path = folder / f"{run_id}-{number:05}.parquet"
            with open_row_group_writer(path, USER_CONVERSATIONS) as parquet:
                while group is not None and parquet.bytes < file_bytes:
                    parquet.write(group)
                    del group  # its memory is needed for the next one
                    group = next(groups, None)
            yield FinishedFile(path, parquet.rows, parquet.bytes, parquet.sha256)
            number += 1


@contextmanager
def _few(parts: Sequence[Path], folder: Path) -> Iterator[list[SortedRun]]:
    """Open *parts*, joining some beforehand where there are too many to hold a batch of each in memory."""
    with TemporaryDirectory(dir=folder) as scratch:
        runs: list[SortedRun] = [open_part(path) for path in parts]
        while len(runs) > _MOST_RUNS_AT_ONCE:
            # Neighbours only: of rows with the same key the last part's must stay last.
            several = min(_MOST_RUNS_AT_ONCE, len(runs) - _MOST_RUNS_AT_ONCE + 1)
            joined = write_run(merge(runs[:several]), Path(scratch) / f"{len(runs)}.arrow")
            runs = [joined, *runs[several:]]
        yield runs


def _row_groups(tables: Iterator[pa.Table], moment: datetime) -> Iterator[pa.Table]:
    """Cut the stream anew, by its rows alone: where a group ends must not depend on where a part or range ended."""
    waiting: list[pa.Table] = []
    size = 0
    for table in tables:
        left = table
        del table  # what a group was made of must go before the next one is made
        while len(left):
            sizes = _running_sizes(left, size)
            end = pc.index(pc.greater_equal(sizes, _ROW_GROUP_BYTES), True).as_py() + 1
            taken = end or len(left)
            waiting.append(left.slice(0, taken))
            left = left.slice(taken)
            size = sizes[taken - 1].as_py()
            if end:
                yield _finished(waiting, moment)
                size = 0
    if waiting:
        yield _finished(waiting, moment)


def _finished(waiting: list[pa.Table], moment: datetime) -> pa.Table:
    """Make one group of all that is *waiting*, as it is written; nothing waits any more then."""
    columns = pa.concat_tables(waiting).columns
    waiting.clear()
    for position, column in enumerate(columns):
        columns[position] = column.combine_chunks()  # its pieces go before those of the next column are joined
    field = ROWS.field("snapshot_at")
    columns[ROWS.get_field_index(field.name)] = pa.repeat(pa.scalar(moment, field.type), len(columns[0]))
    return normalized(pa.table(columns, schema=ROWS), USER_CONVERSATIONS)


def _running_sizes(table: pa.Table, size: int) -> pa.ChunkedArray:
    """Give for each row the size of the group up to it: of all columns only `attributes` can be long."""
    lengths = pc.fill_null(pc.binary_length(table["attributes"]), 0).cast(pa.int64())
    return pc.cumulative_sum(pc.add(lengths, _ROW_BYTES), start=size)
