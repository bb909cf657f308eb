"""The options of an export, and its context."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from msgspec import Struct

from readstate.clock import Clock
from readstate.events import Observer
from readstate.model.quantities import Allowance
from readstate.model.resources import Configuration
from readstate.snapshot.export.ingest import PartLimits
from readstate.snapshot.published.manifest import RosterScope
from readstate.snapshot.published.snapshot_store import SnapshotStore, VersionedManifest
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.workspace.timeline import Timeline
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader
from readstate.twilio.pacing.limiter import AdaptiveLimiter

FEW_MISSING = Allowance(count=1, share=0.01)


class ExportOptions(Struct, frozen=True):
    """What an export does; a run is resumed only with the options that it was begun with."""

    snapshot_date: date
    selection: RosterSelection
    base_url: str
    max_failed_users: Allowance
    part_limits: PartLimits
    allow_missing: Allowance = FEW_MISSING
    """How many of the users that a file names may be unknown in a complete snapshot."""
    blanked_columns: tuple[str, ...] = ()
    """Columns to leave empty: they stay, so that every snapshot has the same schema."""
    on_incomplete: Literal["publish", "refuse"] = "publish"
    replaces: VersionedManifest | None = None
    """The snapshot to be replaced; with None there must be none of this date."""
    run_id: str | None = None
    """The name of the run; None makes one up."""
    parallel: int = 500
    """Users read at once."""
    file_bytes: int = 128 << 20
    grace_seconds: float = 20.0
    """How long users under way may take once a stop is requested; then they are left for the next start."""

    def roster(self, *, default_service: str | None = None) -> RosterScope:
        """Return which users are to be read, as the manifest states it."""
        entries = self.selection.entries
        users = None if entries is None else hashlib.sha256(repr(entries).encode()).hexdigest()
        return RosterScope(self.selection.services, users, self.selection.limit, default_service)

    def account(self, configuration: Configuration) -> dict[str, Any]:
        """Return what of the account must not change between the starts of one run either."""
        default = configuration.default_chat_service_sid if self.selection.reads_default else None
        return {"account": configuration.account_sid, "default_service": default}

    def fingerprint(self) -> dict[str, Any]:
        """Return what of the options must not change between the starts of one run, as JSON."""
        roster = self.roster()
        return {
            "snapshot_date": self.snapshot_date.isoformat(),
            "services": list(roster.services),
            "users": roster.users_sha256,
            "limit": roster.limit,
            "base_url": self.base_url,
            "blanked_columns": list(self.blanked_columns),
        }


class ExportContext(Struct, frozen=True):
    """What an export needs from outside."""

    reader: Reader
    limiter: AdaptiveLimiter
    """Of the reader's requests."""
    store: SnapshotStore
    workspace: Workspace
    timeline: Timeline
    """Must observe the reader's events."""
    stop: StopSwitch
    clock: Clock
    emit: Observer
    tool_version: str
    transport: str = ""
    """The HTTP client in use, as the manifest states it."""


def option_differences(begun_with: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the names of those *wanted* options with which a run was not begun."""
    return sorted(name for name in wanted if begun_with.get(name) != wanted[name])
