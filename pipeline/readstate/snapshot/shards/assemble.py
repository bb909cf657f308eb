"""Merges the complete shards of one run into what one export would have found."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from readstate.disk.files import sha256_of, translate_os_errors
from readstate.errors import BadInput
from readstate.model.quantities import Allowance
from readstate.snapshot.export.result import RunRows
from readstate.snapshot.published.manifest import Manifest, ServiceUsers, UserCounts
from readstate.snapshot.published.roster_tables import Row
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.staging import ShardManifest, StagedFile
from readstate.snapshot.workspace.run import Span, idle_seconds
from readstate.snapshot.workspace.timeline import sum_requests, sum_timelines

_ROWS_AT_ONCE = 2_000


def merge_rows(shards: Sequence[ShardManifest], *, store: SnapshotStore, folder: Path) -> RunRows:
    """Return the rows of all *shards*; files of an object store are downloaded to *folder*.

    Raise `BadInput` where a file differs from the one that was staged, and `LocalDisk`.
    """
    local = {file: _local_copy(file, store, folder) for shard in shards for file in shard.files}

    def rows(dataset: str, sid: str) -> Iterator[Row]:
        paths = [path for file, path in local.items() if file.dataset == dataset]
        # Each shard has its users sorted, so that merging holds one batch of each in memory.
        return heapq.merge(*map(_rows, paths), key=lambda row: _sort_key(row, sid))

    return RunRows(
        parts=[path for file, path in local.items() if file.dataset == "part"],
        users=rows("users", "sid"),
        failures=rows("failures", "user_sid"),
    )


def merge_drafts(
    shards: Sequence[ShardManifest], *, tool_version: str, now: datetime, allow_missing: Allowance
) -> Manifest:
    """Return the draft of the whole run's manifest: its shards ran at the same time and are published *now*."""
    drafts = [shard.draft for shard in shards]
    spans = [span for shard in shards for span in shard.spans]
    timeline = sum_timelines(draft.timeline for draft in drafts)
    users = _user_counts(drafts)
    return msgspec.structs.replace(
        drafts[0],
        tool_version=tool_version,
        services=_services(drafts),
        started_at=min(draft.started_at for draft in drafts),
        starts=1 + sum(draft.starts - 1 for draft in drafts),
        paused_seconds=idle_seconds([*spans, Span(now, now)]),
        users=users,
        rows=sum(draft.rows for draft in drafts),
        unknown_fields=dict(sum((Counter(draft.unknown_fields) for draft in drafts), Counter())),
        requests=sum_requests(timeline),
        timeline=timeline,
        complete=users.are_complete(allow_missing),
    )


def _user_counts(drafts: Sequence[Manifest]) -> UserCounts:
    return UserCounts(
        listed=sum(draft.users.listed for draft in drafts),
        read=sum(draft.users.read for draft in drafts),
        vanished=sum(draft.users.vanished for draft in drafts),
        failed=sum(draft.users.failed for draft in drafts),
        unknown=sum(draft.users.unknown for draft in drafts),
    )


def _services(drafts: Sequence[Manifest]) -> tuple[ServiceUsers, ...]:
    users: Counter[str] = Counter()
    names: dict[str, str | None] = {}
    for service in chain.from_iterable(draft.services for draft in drafts):
        users[service.chat_service_sid] += service.users
        names[service.chat_service_sid] = names.get(service.chat_service_sid) or service.friendly_name
    return tuple(ServiceUsers(sid, users[sid], names[sid]) for sid in sorted(users))


def _local_copy(file: StagedFile, store: SnapshotStore, folder: Path) -> Path:
    path = store.objects.local_copy(file.path, folder / file.path.rsplit("/", 1)[-1])
    with translate_os_errors(path):
        size = path.stat().st_size
    # Without this check a damaged part would go into the snapshot unnoticed.
    if (size, sha256_of(path)) != (file.bytes, file.sha256):
        raise BadInput(
            f"{store.root}/{file.path}: not the file that its shard has staged (its checksum differs)",
            hint="Run that shard again with --restart, then publish.",
        )
    return path


def _rows(path: Path) -> Iterator[Row]:
    with translate_os_errors(path), pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(_ROWS_AT_ONCE):
            yield from batch.to_pylist()


def _sort_key(row: Row, sid: str) -> tuple[str, str]:
    """Return the key of a user; one that a users file names and Twilio does not know has no SID, but an identity."""
    return row["chat_service_sid"], row[sid] or row["identity"] or ""
