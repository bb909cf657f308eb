"""Wires an export: workspace, connection, observers; for the command line and for schedulers alike."""

from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from jobs.memory import give_memory_back
from jobs.runtime import deadline as set_deadline
from jobs.runtime import fan_out, run
from pipeline.clock import SystemClock
from pipeline.model.quantities import parse_allowance
from pipeline.observers.watch import watching
from pipeline.settings import Credentials, Settings
from pipeline.snapshot.export import ExportOptions, Surroundings, count_roster, export
from pipeline.snapshot.ingest import PartLimits
from pipeline.snapshot.manifest import Manifest, RequestCounts
from pipeline.snapshot.request_counter import RequestCounter
from pipeline.snapshot.roster import RosterWish
from pipeline.snapshot.store import Store
from pipeline.snapshot.timeline import Timeline
from pipeline.snapshot.workspace import Workspace, workspace
from pipeline.stop import StopSwitch
from pipeline.twilio.connect import connection


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
    store: Store
    day: date
    wish: RosterWish
    blanked_columns: tuple[str, ...] = ()
    grace_seconds: float = 20.0

    def export(self, *, deadline: float | None = None, restart: bool = False) -> Manifest:
        """Read and publish; see `pipeline.snapshot.export.export`. *restart* forgets unfinished work first."""
        give_memory_back()
        return run(lambda stop: self._export(stop, deadline=deadline, restart=restart))

    def estimate(self) -> Estimate:
        """Read the roster and say what an export would take; keep nothing."""
        return run(self._estimate)

    async def _export(self, stop: StopSwitch, *, deadline: float | None, restart: bool) -> Manifest:
        clock, requests = SystemClock(), RequestCounter()
        timeline = Timeline(clock)
        with workspace(Path(self.settings.work_dir), root=self.store.root, day=self.day) as place:
            if restart:
                place.clear()
            if deadline is not None:
                set_deadline(stop, deadline)
            with watching(self.settings, command="export", clock=clock) as watch:
                emit = fan_out([requests.observe, timeline.observe, watch.emit])
                async with connection(self.settings, self.credentials, clock=clock, emit=emit) as twilio:
                    watch.watch(twilio.pace)
                    timeline.watch(twilio.pace)
                    around = Surroundings(
                        reader=twilio.reader(),
                        store=self.store,
                        place=place,
                        requests=requests,
                        timeline=timeline,
                        stop=stop,
                        clock=clock,
                        emit=emit,
                        tool_version=version("readstate"),
                    )
                    manifest = await export(self._options(), around)
                    watch.succeeded()
                    return manifest

    async def _estimate(self, stop: StopSwitch) -> Estimate:
        clock, requests = SystemClock(), RequestCounter()
        with (
            TemporaryDirectory(prefix="readstate-") as folder,
            watching(replace(self.settings, metrics_file=""), command="list", clock=clock) as watch,
        ):
            emit = fan_out([requests.observe, watch.emit])
            async with connection(self.settings, self.credentials, clock=clock, emit=emit) as twilio:
                watch.watch(twilio.pace)
                around = Surroundings(
                    reader=twilio.reader(),
                    store=self.store,
                    place=Workspace(Path(folder)),
                    requests=requests,
                    timeline=Timeline(clock),
                    stop=stop,
                    clock=clock,
                    emit=emit,
                    tool_version=version("readstate"),
                )
                began = clock.monotonic()
                size = await count_roster(self._options(), around)
                spent = clock.monotonic() - began
                made = max(1, requests.added_to(RequestCounts()).requests)
                return Estimate(size.users, size.pages, spent / made)

    def _options(self) -> ExportOptions:
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
        )
