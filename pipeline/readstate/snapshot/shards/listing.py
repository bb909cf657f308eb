"""What shards have staged and nobody has published yet, or ever will."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.staging import STAGING, Staging

ABANDONED_AFTER = timedelta(days=7)
"""An export takes hours, and its shards are tried again within a day or two."""


@dataclass(frozen=True, slots=True)
class StagedRun:
    """A run with something below the root that waits to be published."""

    run_id: str
    finished: int
    """Shards that are staged whole."""
    shards: int
    """How many there are to be; 0 where nothing tells."""
    changed_at: datetime
    is_abandoned: bool


def staged_runs(store: SnapshotStore, *, now: datetime) -> list[StagedRun]:
    """Every run that has something staged below the root of *store*."""
    return [_look_at(Staging(store, run_id), now) for run_id in store.objects.list_folders(STAGING)]


def _look_at(staging: Staging, now: datetime) -> StagedRun:
    changed_at = staging.store.last_modified(staging.folder) or now
    known = staging.shards()
    finished = [shard for shard in known if staging.is_completed(shard)]
    return StagedRun(
        run_id=staging.run_id,
        finished=len(finished),
        shards=max((shard.count for shard in known), default=0),
        changed_at=changed_at,
        is_abandoned=now - changed_at > ABANDONED_AFTER,
    )
