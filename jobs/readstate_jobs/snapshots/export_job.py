"""Wires an export: workspace, connection, observers; for the command line and for schedulers alike."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from msgspec.structs import replace

from readstate.clock import SystemClock
from readstate.credentials import Credentials
from readstate.errors import Locked
from readstate.model.quantities import parse_allowance
from readstate.settings import Settings
from readstate.snapshot.export.estimate import count_roster
from readstate.snapshot.export.export import export
from readstate.snapshot.export.ingest import PartLimits
from readstate.snapshot.export.options import ExportOptions, Surroundings
from readstate.snapshot.published.delta_tables import sync_if_present
from readstate.snapshot.published.manifest import Manifest, RequestCounts
from readstate.snapshot.published.snapshot_store import SnapshotStore, VersionedManifest
from readstate.snapshot.roster.roster import RosterWish
from readstate.snapshot.shards.agreement import require_same_options
from readstate.snapshot.shards.export import export_shard
from readstate.snapshot.shards.staging import ShardManifest, ShardRegistration, Staging
from readstate.snapshot.workspace.request_counter import RequestCounter
from readstate.snapshot.workspace.timeline import Timeline
from readstate.snapshot.workspace.workspace import Workspace, run_workspace, workspace
from readstate.stop import StopSwitch
from readstate_jobs.cli.event_loop import run, run_cancellable, set_deadline
from readstate_jobs.cli.memory import tune_allocator
from readstate_jobs.cli.session import Session, open_session

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an export would take."""

    users: int
    requests: int
    """List pages, by the sizes of the last snapshot; a user that it does not know counts as one."""
    seconds_per_request: float
    """As the listing of the roster took them, one after the other."""


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export, ready to be run."""

    settings: Settings
    credentials: Credentials
    store: SnapshotStore
    day: date
    wish: RosterWish
    blanked_columns: tuple[str, ...] = ()
    grace_seconds: float = 20.0
    replaces: VersionedManifest | None = None
    """The snapshot that this one is to replace; None where none may stand."""
    tables: Callable[[SnapshotStore], None] = sync_if_present
    """What becomes of Delta tables: `sync_if_present`, or `sync`, which also creates them."""
    run_id: str | None = None
    """What the run is called; None makes up a name, which a run that has shards cannot do."""

    def export(self, *, deadline: float | None = None, restart: bool = False) -> Manifest:
        """Read and publish; see `readstate.snapshot.export.export.export`. *restart* forgets unfinished work first."""
        tune_allocator()
        place = workspace(Path(self.settings.work_dir), root=self.store.root, day=self.day)
        manifest = run(lambda stop: self._carry_out(export, place, stop, deadline=deadline, restart=restart))
        self.tables(self.store)
        return manifest

    def export_shard(
        self, *, command: Sequence[str], deadline: float | None = None, restart: bool = False
    ) -> ShardManifest:
        """Read and stage one shard; see `readstate.snapshot.export.export.export_shard`.

        *command* is the line that does it, but for ``--shard``: whoever misses a shard shows it. Raises `BadInput`
        where other shards of the run were begun with other options, unless it is to *restart*.
        """
        assert self.run_id is not None
        tune_allocator()
        options, shard = self.options(), self.wish.share
        staging = Staging(self.store, self.run_id)
        if not restart:
            require_same_options(staging, shard, options.fingerprint())
        note = ShardRegistration(snapshot_date=self.day, options=options.fingerprint(), command=tuple(command))
        staging.register(shard, note)
        place = self._shard_place(self.run_id)
        return run(lambda stop: self._carry_out(export_shard, place, stop, deadline=deadline, restart=restart))

    def forget_shard(self) -> None:
        """Remove what an unfinished try has left on this machine, of a shard that another has finished meanwhile."""
        assert self.run_id is not None
        with suppress(Locked), self._shard_place(self.run_id) as place:
            place.remove()

    def _shard_place(self, run_id: str) -> AbstractContextManager[Workspace]:
        shard = self.wish.share
        return run_workspace(Path(self.settings.work_dir), root=self.store.root, run_id=run_id, work=shard.folder)

    def estimate(self) -> Estimate:
        """Read the roster and say what an export would take; keep nothing."""
        return run_cancellable(self._estimate)

    async def _carry_out(
        self,
        flow: Callable[[ExportOptions, Surroundings], Awaitable[Result]],
        held: AbstractContextManager[Workspace],
        stop: StopSwitch,
        *,
        deadline: float | None,
        restart: bool,
    ) -> Result:
        clock, requests = SystemClock(), RequestCounter()
        timeline = Timeline(clock)
        with held as place:
            if restart:
                place.clear()
            if deadline is not None:
                set_deadline(stop, deadline)
            async with open_session(
                self.settings,
                self.credentials,
                command="export",
                clock=clock,
                observers=[requests.observe, timeline.observe],
            ) as session:
                timeline.watch(session.twilio.limiter)
                result = await flow(self.options(), self._surroundings(session, place, stop, requests, timeline))
                session.succeeded()
                return result

    async def _estimate(self, stop: StopSwitch) -> Estimate:
        requests = RequestCounter()
        with TemporaryDirectory(prefix="readstate-") as folder:
            async with open_session(
                replace(self.settings, metrics_file=""),
                self.credentials,
                command="list",
                observers=[requests.observe],
            ) as session:
                clock = session.clock
                around = self._surroundings(session, Workspace(Path(folder)), stop, requests, Timeline(clock))
                began = clock.monotonic()
                size = await count_roster(self.options(), around)
                spent = clock.monotonic() - began
                made = max(1, requests.added_to(RequestCounts()).requests)
                return Estimate(size.users, size.pages, spent / made)

    def _surroundings(
        self, session: Session, place: Workspace, stop: StopSwitch, requests: RequestCounter, timeline: Timeline
    ) -> Surroundings:
        return Surroundings(
            reader=session.twilio.reader(),
            store=self.store,
            place=place,
            requests=requests,
            timeline=timeline,
            stop=stop,
            clock=session.clock,
            emit=session.emit,
            tool_version=version("readstate"),
        )

    def options(self) -> ExportOptions:
        """What the pipeline is asked to do."""
        return ExportOptions(
            snapshot_date=self.day,
            wish=self.wish,
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
