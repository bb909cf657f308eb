"""What an export is told, and what it works with."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from readstate.clock import Clock
from readstate.events import Observer
from readstate.model.quantities import Allowance
from readstate.snapshot.export.ingest import PartLimits
from readstate.snapshot.published.manifest import RosterScope
from readstate.snapshot.published.snapshot_store import SnapshotStore, VersionedManifest
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.workspace.timeline import Timeline
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an export is to do; a run is resumed only with the options that it began with."""

    snapshot_date: date
    selection: RosterSelection
    base_url: str
    max_failed_users: Allowance
    part_limits: PartLimits
    blanked_columns: tuple[str, ...] = ()
    """Columns to leave empty: they stay, so that every snapshot has the same schema."""
    on_incomplete: Literal["publish", "refuse"] = "publish"
    replaces: VersionedManifest | None = None
    """The snapshot that this one is to replace; None where none may stand."""
    run_id: str | None = None
    """How the run is called; None makes up a name."""
    parallel: int = 500
    """Users read at once."""
    file_bytes: int = 128 << 20
    grace_seconds: float = 20.0
    """How long users under way may take when a stop is asked for; then they are left for the next start."""

    def roster(self) -> RosterScope:
        """Which users are to be read, as the manifest notes it."""
        entries = self.selection.entries
        users = None if entries is None else hashlib.sha256(repr(entries).encode()).hexdigest()
        return RosterScope(self.selection.services, users, self.selection.limit)

    def fingerprint(self) -> dict[str, Any]:
        """What must not change between the starts of one run, as JSON."""
        roster = self.roster()
        return {
            "snapshot_date": self.snapshot_date.isoformat(),
            "services": list(roster.services),
            "users": roster.users_sha256,
            "limit": roster.limit,
            "base_url": self.base_url,
            "blanked_columns": list(self.blanked_columns),
        }


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What an export works with and does not decide about."""

    reader: Reader
    store: SnapshotStore
    workspace: Workspace
    timeline: Timeline
    """Must observe the reader's events."""
    stop: StopSwitch
    clock: Clock
    emit: Observer
    tool_version: str


def option_differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the options in which two runs, or two starts of one, differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
