"""Runs whose shards are staged and not published."""

from datetime import datetime, timedelta

import msgspec

from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.staging import STAGING, Staging

ABANDONED_AFTER = timedelta(days=7)
"""An export takes hours, and failed shards are run again within a day or two."""


class StagedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has staged files below the root."""

    run_id: str
    shards: int
    """How many shards the run has; 0 where that is not known."""
    shards_finished: int
    changed_at: datetime
    abandoned: bool


def staged_runs(store: SnapshotStore, *, now: datetime) -> list[StagedRun]:
    """Return every run that has staged files below the root of *store*."""
    return [_staged_run(Staging(store, run_id), now) for run_id in store.objects.list_folders(STAGING)]


def _staged_run(staging: Staging, now: datetime) -> StagedRun:
    changed_at = staging.store.last_modified(staging.folder) or now
    known = staging.shards()
    return StagedRun(
        run_id=staging.run_id,
        shards=max((shard.count for shard in known), default=0),
        shards_finished=sum(staging.is_completed(shard) for shard in known),
        changed_at=changed_at,
        abandoned=now - changed_at > ABANDONED_AFTER,
    )
