"""Runs whose shards are staged and not published."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.staging import STAGING, Staging

ABANDONED_AFTER = timedelta(days=7)
"""An export takes hours, and failed shards are run again within a day or two."""


@dataclass(frozen=True, slots=True)
class StagedRun:
    """A run that has staged files below the root."""

    run_id: str
    completed: int
    """Shards that are complete."""
    shards: int
    """How many shards the run has; 0 where that is not known."""
    changed_at: datetime
    is_abandoned: bool


def staged_runs(store: SnapshotStore, *, now: datetime) -> list[StagedRun]:
    """Return every run that has staged files below the root of *store*."""
    return [_staged_run(Staging(store, run_id), now) for run_id in store.objects.list_folders(STAGING)]


def _staged_run(staging: Staging, now: datetime) -> StagedRun:
    changed_at = staging.store.last_modified(staging.folder) or now
    known = staging.shards()
    return StagedRun(
        run_id=staging.run_id,
        completed=sum(staging.is_completed(shard) for shard in known),
        shards=max((shard.count for shard in known), default=0),
        changed_at=changed_at,
        is_abandoned=now - changed_at > ABANDONED_AFTER,
    )
