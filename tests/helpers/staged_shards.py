"""Shards that are registered or complete in a staging area, without an export behind them."""

from datetime import UTC, datetime
from typing import Any

from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import STAGING_VERSION, ShardManifest, ShardRegistration, Staging
from tests.helpers.snapshots import DAY, manifest

NOW = datetime.now(UTC)
OPTIONS = {"services": ["all"], "snapshot_date": "2026-11-23"}


def register(
    staging: Staging, shard: Shard, *, options: dict[str, Any] = OPTIONS, command: tuple[str, ...] = ()
) -> None:
    staging.register(shard, ShardRegistration(snapshot_date=DAY, options=options, command=command))


def complete(
    staging: Staging,
    shard: Shard,
    *,
    options: dict[str, Any] = OPTIONS,
    staging_version: int = STAGING_VERSION,
    **changes: Any,
) -> ShardManifest:
    """Register and complete a shard; return its manifest, with *changes* of its draft."""
    register(staging, shard)
    draft = manifest(**{"run_id": staging.run_id, "account_sid": "AC1"} | changes)
    completed = ShardManifest(staging_version=staging_version, shard=shard, options=options, spans=(), draft=draft)
    staging.complete(completed)
    return completed
