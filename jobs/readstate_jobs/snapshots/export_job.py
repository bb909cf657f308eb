"""Wires an export, from settings to the published snapshot, for the command line and for schedulers."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from readstate import __version__
from readstate.clock import SystemClock
from readstate.disk.files import scratch_folder
from readstate.errors import Locked
from readstate.model.quantities import parse_allowance
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.snapshot.export.estimate import count_roster
from readstate.snapshot.export.export import export
from readstate.snapshot.export.ingest import PartLimits
from readstate.snapshot.export.options import ExportContext, ExportOptions
from readstate.snapshot.published.delta_tables import require_delta, sync, sync_if_present
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.shards.export import export_shard
from readstate.snapshot.shards.staging import ShardManifest
from readstate.snapshot.workspace.timeline import Timeline, sum_requests
from readstate.snapshot.workspace.workspace import Workspace, export_workspace, run_workspace
from readstate.stop import StopSwitch
from readstate.twilio.connect import transport_name
from readstate_jobs.cli.event_loop import run, run_cancellable, set_deadline
from readstate_jobs.cli.memory import tune_allocator
from readstate_jobs.cli.session import Session, open_session

Result = TypeVar("Result")


class Estimate(Struct, frozen=True):
    """The users, requests and time that an export would take."""

    users: int
    requests: int
    """List pages, by the sizes in the last snapshot; a user that is new since then counts as one page."""
    seconds_per_request: float
    """Measured while the roster was listed, one request after the other."""


class ExportJob(Struct, frozen=True):
    """One export, ready to run."""

    settings: Settings
    credentials: Credentials
    store: SnapshotStore
    options: ExportOptions
    tables: Callable[[SnapshotStore], None] = sync_if_present
    """What becomes of Delta tables: `sync_if_present`, or `sync`, which also creates them."""

    def export(self, *, deadline: float | None = None, restart: bool = False) -> Manifest:
        """Read and publish; see `readstate.snapshot.export.export.export`. *restart* drops unfinished work first."""
        tune_allocator()
        workspace = export_workspace(Path(self.settings.work_dir), root=self.store.root, day=self.options.snapshot_date)
        manifest = run(lambda stop: self._carry_out(export, workspace, stop, deadline=deadline, restart=restart))
        self.tables(self.store)
        return manifest

    def export_shard(
        self, *, command: Sequence[str], deadline: float | None = None, restart: bool = False
    ) -> ShardManifest:
        """Read and stage one shard; see `readstate.snapshot.shards.export.export_shard`."""
        tune_allocator()
        assert self.options.run_id is not None
        workspace = self._shard_workspace(self.options.run_id)
        flow = partial(export_shard, command=command, restart=restart)
        return run(lambda stop: self._carry_out(flow, workspace, stop, deadline=deadline, restart=restart))

    def discard_shard(self) -> None:
        """Remove this machine's unfinished work on a shard that another machine has finished meanwhile."""
        assert self.options.run_id is not None
        with suppress(Locked), self._shard_workspace(self.options.run_id) as workspace:
            workspace.remove()

    def _shard_workspace(self, run_id: str) -> AbstractContextManager[Workspace]:
        work = self.options.selection.share.folder
        return run_workspace(Path(self.settings.work_dir), root=self.store.root, run_id=run_id, work=work)

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
                self.settings, self.credentials, command="export", clock=clock, observers=[timeline.observe]
            ) as session:
                timeline.watch(session.twilio.limiter)
                result = await flow(self.options, self._context(session, workspace, stop, timeline))
                session.succeeded()
                return result

    async def _estimate(self, stop: StopSwitch) -> Estimate:
        clock = SystemClock()
        timeline = Timeline(clock)
        settings = replace(self.settings, metrics_file="")
        with scratch_folder() as folder:
            async with open_session(
                settings, self.credentials, command="list", clock=clock, observers=[timeline.observe]
            ) as session:
                context = self._context(session, Workspace(folder), stop, timeline)
                began = clock.monotonic()
                size = await count_roster(self.options, context)
                spent = clock.monotonic() - began
                made = max(1, sum_requests(timeline.added_to(())).requests)
                return Estimate(size.users, size.pages, spent / made)

    def _context(self, session: Session, workspace: Workspace, stop: StopSwitch, timeline: Timeline) -> ExportContext:
        return ExportContext(
            reader=session.twilio.reader(),
            limiter=session.twilio.limiter,
            store=self.store,
            workspace=workspace,
            timeline=timeline,
            stop=stop,
            clock=session.clock,
            emit=session.emit,
            tool_version=__version__,
            transport=transport_name(self.settings),
        )


def export_options(settings: Settings, day: date, selection: RosterSelection, **more: Any) -> ExportOptions:
    """Return the options of the export of *day* as *settings* have them; *more* are those that are no settings."""
    return ExportOptions(
        snapshot_date=day,
        selection=selection,
        base_url=settings.base_url,
        max_failed_users=parse_allowance(settings.max_failed_users),
        part_limits=PartLimits(settings.part_rows, settings.part_seconds),
        on_incomplete=settings.on_incomplete,
        parallel=settings.max_in_flight,
        file_bytes=settings.file_megabytes << 20,
        **more,
    )


def delta_tables_for(*, wanted: bool) -> Callable[[SnapshotStore], None]:
    """Return what to do about Delta tables after publishing, as ``--delta`` says.

    Raises `BadInput` where the library for Delta tables is missing, before anything is begun.
    """
    if not wanted:
        return sync_if_present
    require_delta()
    return sync
