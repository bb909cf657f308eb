"""From the shards of one run to what there is to publish: all of them, agreeing, put together."""

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
    """Give what all *shards* found; what does not lie on this machine is copied to *folder*.

    Raises `BadInput` where a file is not the one that was staged, and `LocalDisk`.
    """
    local = {file: _fetched(file, store, folder) for shard in shards for file in shard.files}

    def rows(dataset: str, sid: str) -> Callable[[], Iterator[Row]]:
        paths = [path for file, path in local.items() if file.dataset == dataset]
        return lambda: heapq.merge(*map(_rows, paths), key=lambda row: _place(row, sid))

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
    """How the run went: its shards side by side."""
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
    """What became of the whole roster."""
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


def _fetched(file: StagedFile, store: SnapshotStore, folder: Path) -> Path:
    path = store.objects.local_copy(file.path, folder / file.path.rsplit("/", 1)[-1])
    with translate_os_errors(path):
        size = path.stat().st_size
    if (size, sha256_of(path)) != (file.bytes, file.sha256):
        raise BadInput(
            f"{store.root}/{file.path}: not the file that its shard has staged",
            hint="Run that shard again with --restart, then publish.",
        )
    return path


def _rows(path: Path) -> Iterator[Row]:
    with translate_os_errors(path), pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(_ROWS_AT_ONCE):
            yield from batch.to_pylist()


def _place(row: Row, sid: str) -> tuple[str, str]:
    """Where a user stands: users whom a file names and nobody has are sorted by that name."""
    return row["chat_service_sid"], row[sid] or row["identity"] or ""
