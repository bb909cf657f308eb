"""Merges the complete shards of one run into what one export would have found."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from readstate.errors import BadInput
from readstate.files import sha256_of, translate_os_errors
from readstate.snapshot.export.result import Findings
from readstate.snapshot.published.manifest import RequestCounts, ServiceUsers, UserCounts
from readstate.snapshot.published.roster_tables import Row
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.staging import ShardManifest, StagedFile
from readstate.snapshot.workspace.run import RunRecord
from readstate.snapshot.workspace.timeline import merged

_ROWS_AT_ONCE = 2_000


def merge_shards(shards: Sequence[ShardManifest], *, store: SnapshotStore, folder: Path) -> Findings:
    """Return what all *shards* found; files of an object store are downloaded to *folder*.

    Raises `BadInput` where a file differs from the one that was staged, and `LocalDisk`.
    """
    local = {file: _local_copy(file, store, folder) for shard in shards for file in shard.files}

    def rows(dataset: str, sid: str) -> Callable[[], Iterator[Row]]:
        paths = [path for file, path in local.items() if file.dataset == dataset]
        return lambda: heapq.merge(*map(_rows, paths), key=lambda row: _sort_key(row, sid))

    return Findings(
        parts=[path for file, path in local.items() if file.dataset == "part"],
        rows=sum(shard.rows for shard in shards),
        users=sum_user_counts(shards),
        services=_services(shards),
        unknown_fields=dict(sum((Counter(shard.unknown_fields) for shard in shards), Counter())),
        roster=rows("users", "sid"),
        failures=rows("failures", "user_sid"),
    )


def merge_run_records(shards: Sequence[ShardManifest]) -> RunRecord:
    """Return the record of the whole run: its shards ran at the same time."""
    records = [shard.record for shard in shards]
    return RunRecord(
        spans=tuple(span for record in records for span in record.spans),
        requests=RequestCounts(
            requests=sum(record.requests.requests for record in records),
            retries=sum(record.requests.retries for record in records),
            throttled=sum(record.requests.throttled for record in records),
        ),
        timeline=merged(record.timeline for record in records),
    )


def sum_user_counts(shards: Sequence[ShardManifest]) -> UserCounts:
    """Return the counts of the whole roster."""
    return UserCounts(
        listed=sum(shard.users.listed for shard in shards),
        read=sum(shard.users.read for shard in shards),
        vanished=sum(shard.users.vanished for shard in shards),
        failed=sum(shard.users.failed for shard in shards),
    )


def _services(shards: Sequence[ShardManifest]) -> tuple[ServiceUsers, ...]:
    users: Counter[str] = Counter()
    for shard in shards:
        users.update({service.chat_service_sid: service.users for service in shard.services})
    return tuple(ServiceUsers(sid, users[sid]) for sid in sorted(users))


def _local_copy(file: StagedFile, store: SnapshotStore, folder: Path) -> Path:
    path = store.objects.local_copy(file.path, folder / file.path.rsplit("/", 1)[-1])
    with translate_os_errors(path):
        size = path.stat().st_size
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
