"""Shards that are registered or complete in a staging area, without an export behind them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from readstate.snapshot.published.manifest import RequestCounts, UserCounts
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import ShardManifest, ShardRegistration, Staging
from readstate.snapshot.workspace.run import RunRecord
from tests.helpers.snapshots import ALL_SERVICES, DAY

NOW = datetime.now(UTC)
OPTIONS = {"services": ["all"], "snapshot_date": "2026-11-23"}
_MANIFEST = ShardManifest(
    schema_version=1,
    tool_version="0",
    run_id="nightly",
    shard=Shard(1, 1),
    snapshot_date=DAY,
    options=OPTIONS,
    account_sid="AC1",
    base_url="https://conversations.twilio.com",
    roster=ALL_SERVICES,
    blanked_columns=(),
    started_at=NOW,
    ended_at=NOW,
    record=RunRecord((), RequestCounts(), ()),
    services=(),
    users=UserCounts(0, 0, 0, 0),
    rows=0,
    unknown_fields={},
)


def register(
    staging: Staging, shard: Shard, *, options: dict[str, Any] = OPTIONS, command: tuple[str, ...] = ()
) -> None:
    """Register a shard that is not complete."""
    staging.register(shard, ShardRegistration(snapshot_date=DAY, options=options, command=command))


def complete(staging: Staging, shard: Shard, **changes: Any) -> ShardManifest:
    """Register and complete a shard; return its manifest, with *changes*."""
    register(staging, shard)
    manifest = msgspec.structs.replace(_MANIFEST, shard=shard, **changes)
    staging.complete(manifest)
    return manifest
