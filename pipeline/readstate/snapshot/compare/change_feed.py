"""The change feed: one row for each field that changed, and for each row that was added or removed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from readstate.disk.files import open_output
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.parquet import RowGroupWriter, row_group_writer

CHANGES = pa.schema(
    [
        ("dataset", pa.string()),
        ("change_type", pa.string()),
        ("chat_service_sid", pa.string()),
        ("user_sid", pa.string()),
        ("conversation_sid", pa.string()),
        ("field", pa.string()),
        ("before", pa.string()),
        ("after", pa.string()),
    ]
)
"""`dataset` is user_conversations or users; the latter have no `conversation_sid`. `field`, `before` and `after` are
set where `change_type` is changed; values are text, and null stays null. The other types are added, removed,
addition_unknown and removal_unknown: the last two are rows that one snapshot lacks, where that does not prove an
addition or a removal. Sorted by dataset, key, and field in the schema's order."""

_ROW_GROUP_ROWS = 65_536


class ChangeFeed:
    """Collects changes into row groups; each holds changes of one dataset."""

    def __init__(self, parquet: RowGroupWriter) -> None:
        self._parquet = parquet
        self._buffer: list[pa.Table] = []

    def add(self, changes: pa.Table) -> None:
        """Append *changes*, whose keys follow those of all earlier ones."""
        if len(changes):
            self._buffer.append(changes)
        # One small table for each pair of the merge join would give thousands of tiny row groups.
        if sum(map(len, self._buffer)) >= _ROW_GROUP_ROWS:
            self.end_row_group()

    def end_row_group(self) -> None:
        """Write the buffered changes as a row group."""
        if self._buffer:
            self._parquet.write(pa.concat_tables(self._buffer))
            self._buffer.clear()


@contextmanager
def open_change_feed(path: Path, before: Manifest, after: Manifest) -> Iterator[ChangeFeed]:
    """Open a feed for writing; it appears at *path* when the block ends well. Raise `LocalDisk`."""
    metadata = {
        "readstate.from": f"{before.snapshot_date} {before.run_id}",
        "readstate.to": f"{after.snapshot_date} {after.run_id}",
    }
    with open_output(path) as file, row_group_writer(file, CHANGES.with_metadata(metadata)) as parquet:
        feed = ChangeFeed(parquet)
        yield feed
        feed.end_row_group()
