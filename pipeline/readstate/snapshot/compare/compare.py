"""Compares two snapshots: row by row, field by field."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

from readstate.disk.files import scratch_folder, sha256_of
from readstate.snapshot.compare.change_feed import ChangeFeed, open_change_feed
from readstate.snapshot.compare.comparability import Comparability, comparability
from readstate.snapshot.compare.diff import Comparer, DiffCounts
from readstate.snapshot.compare.merge_join import merge_join, with_sort_key
from readstate.snapshot.published.manifest import Manifest, partition
from readstate.snapshot.published.schema import KEY, USER_CONVERSATIONS, USERS, plain_strings
from readstate.snapshot.published.snapshot import Snapshot, open_snapshot, translate_damage

USER_KEY = ("chat_service_sid", "sid")
"""Identifies one user; the files are sorted by it."""

# Columns that readstate adds are no changes at Twilio: when the row was read, and whether its count is capped.
_ADDED_BY_RUN = frozenset({"snapshot_at", "unread_capped"})
_BATCH_ROWS = 32_768


class Comparison(Struct, frozen=True):
    """What changed between two snapshots."""

    before: Manifest
    after: Manifest
    comparability: Comparability
    user_conversations: DiffCounts
    users: DiffCounts
    fields_left_out: tuple[str, ...]
    """Fields that were left empty on request in one of the snapshots, so that they cannot be compared."""


def compare(before: Snapshot, after: Snapshot, *, feed: Path | None = None) -> Comparison:
    """Compare two snapshots, and write every change to the Parquet file *feed*, unless it is None.

    Memory does not grow with the snapshots. Raise `BadInput` where a snapshot is not sorted, and `LocalDisk`.
    """
    blanked = {*before.manifest.blanked_columns, *after.manifest.blanked_columns}
    known = comparability(before.manifest, after.manifest)
    conversations, users = DiffCounts(), DiffCounts()
    with nullcontext() if feed is None else open_change_feed(feed, before.manifest, after.manifest) as sink:
        comparer = Comparer("user_conversations", KEY, _fields(USER_CONVERSATIONS, KEY, blanked), known)
        _compare_streams(before, after, comparer, conversations, sink)
        comparer = Comparer("users", USER_KEY, _fields(USERS, USER_KEY, blanked), known)
        _compare_streams(before, after, comparer, users, sink)
    left_out = tuple(name for name in USER_CONVERSATIONS.names if name in blanked)
    return Comparison(before.manifest, after.manifest, known, conversations, users, left_out)


def compare_with_previous(after: Snapshot) -> Comparison | None:
    """Compare a published snapshot with the one before it and publish the changes; return None if it is the first.

    They are published as ``changes/snapshot_date=<date>/since-<earlier date>.parquet`` below the root. Raises
    `BadInput` and `LocalDisk`.
    """
    store, day = after.store, after.manifest.snapshot_date
    earlier = store.date_before(day)
    if earlier is None:
        return None
    with scratch_folder() as folder:
        feed = folder / "changes.parquet"
        comparison = compare(open_snapshot(store.root, earlier), after, feed=feed)
        path = f"{partition('changes', day)}/since-{earlier}.parquet"
        store.put(feed, path, size=feed.stat().st_size, sha256=sha256_of(feed))
    return comparison


def _fields(schema: pa.Schema, key: tuple[str, ...], blanked: set[str]) -> list[str]:
    return [name for name in schema.names if name not in {*key, *_ADDED_BY_RUN, *blanked}]


def _compare_streams(
    before: Snapshot, after: Snapshot, comparer: Comparer, counts: DiffCounts, feed: ChangeFeed | None
) -> None:
    for old, new in merge_join(_rows(before, comparer), _rows(after, comparer)):
        changes = comparer.compare(old, new, counts)
        if feed is not None:
            feed.add(changes)
    if feed is not None:
        feed.end_row_group()


def _rows(snapshot: Snapshot, comparer: Comparer) -> Iterator[pa.Table]:
    """Yield the columns that *comparer* compares, in the order of the files, which are sorted by key."""
    columns = [*comparer.key, *comparer.fields]
    for file in snapshot.manifest.files_of(comparer.dataset):
        path = snapshot.store.objects.absolute(file.path)
        # Pre-buffering would hold all columns of a row group in memory at once.
        with (
            snapshot.store.objects.translate_errors(file.path),
            translate_damage(snapshot.store.root),
            pq.ParquetFile(path, filesystem=snapshot.store.objects.filesystem, pre_buffer=False) as parquet,
        ):
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=columns):
                # Users that a users file named and Twilio did not know have no SID, so no key to compare them by.
                named = pa.table(batch).filter(pc.is_valid(batch[comparer.key[-1]]))
                # Plain strings, because two files may number the same values of a dictionary differently.
                yield with_sort_key(named.cast(plain_strings(named.schema)), comparer.key)
