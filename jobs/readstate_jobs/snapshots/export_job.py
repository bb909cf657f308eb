"""Wires an export, from settings to the published snapshot, for the command line and for schedulers."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeVar

from msgspec.structs import replace

from readstate.clock import SystemClock
from readstate.credentials import Credentials
from readstate.errors import Locked
from readstate.model.quantities import parse_allowance
from readstate.settings import Settings
from readstate.snapshot.export.estimate import count_roster
from readstate.snapshot.export.export import export
from readstate.snapshot.export.ingest import PartLimits
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.published.delta_tables import require_delta, sync, sync_if_present
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import SnapshotStore, VersionedManifest
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.shards.agreement import require_same_options
from readstate.snapshot.shards.export import export_shard
from readstate.snapshot.shards.staging import ShardManifest, ShardRegistration, Staging
from readstate.snapshot.workspace.timeline import Timeline, sum_requests
from readstate.snapshot.workspace.workspace import Workspace, export_workspace, run_workspace
from readstate.stop import StopSwitch
from readstate_jobs.cli.event_loop import run, run_cancellable, set_deadline
from readstate_jobs.cli.memory import tune_allocator
from readstate_jobs.cli.session import Session, open_session

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Estimate:
    """The users, requests and time that an export would take."""

    users: int
    requests: int
    """List pages, by the sizes in the last snapshot; a user that is new since then counts as one page."""
    seconds_per_request: float
    """Measured while the roster was listed, one request after the other."""


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export, ready to run."""

    settings: Settings
    credentials: Credentials
    store: SnapshotStore
    day: date
    selection: RosterSelection
    blanked_columns: tuple[str, ...] = ()
    grace_seconds: float = 20.0
    replaces: VersionedManifest | None = None
    """The published snapshot to replace; None where there must be none yet."""
    tables: Callable[[SnapshotStore], None] = sync_if_present
    """What becomes of Delta tables: `sync_if_present`, or `sync`, which also creates them."""
    run_id: str | None = None
    """The name of the run; None generates one. The shards of a run need a common name."""

    def export(self, *, deadline: float | None = None, restart: bool = False) -> Manifest:
        """Read and publish; see `readstate.snapshot.export.export.export`. *restart* drops unfinished work first."""
        tune_allocator()
        workspace = export_workspace(Path(self.settings.work_dir), root=self.store.root, day=self.day)
        manifest = run(lambda stop: self._carry_out(export, workspace, stop, deadline=deadline, restart=restart))
        self.tables(self.store)
        return manifest

    def export_shard(
        self, *, command: Sequence[str], deadline: float | None = None, restart: bool = False
    ) -> ShardManifest:
        """Read and stage one shard; see `readstate.snapshot.export.export.export_shard`.

        *command* is the command line without ``--shard``, shown later by `readstate publish` for a missing shard.
        Raises `BadInput` where other shards of the run were begun with other options, unless *restart* is set.
        """
        assert self.run_id is not None
        tune_allocator()
        options, shard = self.options(), self.selection.share
        staging = Staging(self.store, self.run_id)
        if not restart:
            require_same_options(staging, shard, options.fingerprint())
        note = ShardRegistration(snapshot_date=self.day, options=options.fingerprint(), command=tuple(command))
        staging.register(shard, note)
        workspace = self._shard_workspace(self.run_id)
        return run(lambda stop: self._carry_out(export_shard, workspace, stop, deadline=deadline, restart=restart))

    def discard_shard(self) -> None:
        """Remove this machine's unfinished work on a shard that another machine has finished meanwhile."""
        assert self.run_id is not None
        with suppress(Locked), self._shard_workspace(self.run_id) as workspace:
            workspace.remove()

    def _shard_workspace(self, run_id: str) -> AbstractContextManager[Workspace]:
        shard = self.selection.share
        return run_workspace(Path(self.settings.work_dir), root=self.store.root, run_id=run_id, work=shard.folder)

    def estimate(self) -> Estimate:
        """Read the roster and return what an export would take; nothing is kept."""
        return run_cancellable(self._estimate)

    async def _carry_out(
        self,
        flow: Callable[[ExportOptions, ExportContext], Awaitable[Result]],
        held: AbstractContextManager[Workspace],
        stop: StopSwitch,
        *,
        deadline: float | None,
        restart: bool,
    ) -> Result:
        clock = SystemClock()
        timeline = Timeline(clock)
        with held as workspace:
            if restart:
                workspace.clear()
            if deadline is not None:
                set_deadline(stop, deadline)
            async with open_session(
                self.settings,
                self.credentials,
                command="export",
                clock=clock,
                observers=[timeline.observe],
            ) as session:
                timeline.watch(session.twilio.limiter)
                result = await flow(self.options(), self._context(session, workspace, stop, timeline))
                session.succeeded()
                return result

    async def _estimate(self, stop: StopSwitch) -> Estimate:
        clock = SystemClock()
        timeline = Timeline(clock)
        with TemporaryDirectory(prefix="readstate-") as folder:
            async with open_session(
                replace(self.settings, metrics_file=""),
                self.credentials,
                command="list",
                clock=clock,
                observers=[timeline.observe],
            ) as session:
                context = self._context(session, Workspace(Path(folder)), stop, timeline)
                began = clock.monotonic()
                size = await count_roster(self.options(), context)
                spent = clock.monotonic() - began
                made = max(1, sum_requests(timeline.added_to(())).requests)
                return Estimate(size.users, size.pages, spent / made)

    def _context(self, session: Session, workspace: Workspace, stop: StopSwitch, timeline: Timeline) -> ExportContext:
        return ExportContext(
            reader=session.twilio.reader(),
            store=self.store,
            workspace=workspace,
            timeline=timeline,
            stop=stop,
            clock=session.clock,
            emit=session.emit,
            tool_version=version("readstate"),
        )

    def options(self) -> ExportOptions:
        """Return the options of the export."""
        return ExportOptions(
            snapshot_date=self.day,
            selection=self.selection,
            base_url=self.settings.base_url,
            max_failed_users=parse_allowance(self.settings.max_failed_users),
            part_limits=PartLimits(self.settings.part_rows, self.settings.part_seconds),
            blanked_columns=self.blanked_columns,
            on_incomplete=self.settings.on_incomplete,
            parallel=self.settings.max_in_flight,
            file_bytes=self.settings.file_megabytes << 20,
            grace_seconds=self.grace_seconds,
            replaces=self.replaces,
            run_id=self.run_id,
        )


def delta_tables_for(format_: Literal["parquet", "delta"] | None) -> Callable[[SnapshotStore], None]:
    """Return what to do about Delta tables after publishing, as ``--format`` says.

    Raises `BadInput` where the library for Delta tables is missing, before anything is begun.
    """
    if format_ != "delta":
        return sync_if_present
    require_delta()
    return sync
