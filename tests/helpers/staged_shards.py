"""Shards that are registered or complete in a staging area, without an export behind them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from readstate.snapshot.published.manifest import Manifest, RequestCounts, UserCounts
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.staging import STAGING_VERSION, ShardManifest, ShardRegistration, Staging
from tests.helpers.snapshots import ALL_SERVICES, DAY

NOW = datetime.now(UTC)
OPTIONS = {"services": ["all"], "snapshot_date": "2026-11-23"}
_DRAFT = Manifest(
    schema_version=1,
    tool_version="0",
    run_id="nightly",
    snapshot_date=DAY,
    account_sid="AC1",
    base_url="https://conversations.twilio.com",
    roster=ALL_SERVICES,
    services=(),
    started_at=NOW,
    ended_at=NOW,
    starts=1,
    users=UserCounts(0, 0, 0, 0),
    rows=0,
    duplicates_dropped=0,
    unknown_fields={},
    blanked_columns=(),
    requests=RequestCounts(),
    complete=True,
    files=(),
)


def register(
    staging: Staging, shard: Shard, *, options: dict[str, Any] = OPTIONS, command: tuple[str, ...] = ()
) -> None:
    """Register a shard that is not complete."""
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
    draft = msgspec.structs.replace(_DRAFT, **changes)
    manifest = ShardManifest(staging_version=staging_version, shard=shard, options=options, spans=(), draft=draft)
    staging.complete(manifest)
    return manifest
