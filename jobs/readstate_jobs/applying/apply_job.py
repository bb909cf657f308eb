"""Wires an apply: plan, guards, lock, journal, connection, observers; for the command line and for schedulers alike."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any

from readstate.changes.apply.latency import LatencyMeter
from readstate.changes.apply.options import ApplyDependencies
from readstate.changes.apply.run import apply
from readstate.changes.current_state.target import TargetInfo, find_target
from readstate.changes.plans.reader import Plan, open_plan, require_not_expired, require_same_target
from readstate.changes.plans.tombstone import require_not_erased
from readstate.changes.runs.directory import RunDirectory, create_run, name_run, refuse_consumed, target_lock
from readstate.changes.runs.journal import Journal, RunHeader, create_journal, open_journal, open_read_only
from readstate.changes.runs.result import RunResult
from readstate.changes.runs.results import write_results
from readstate.clock import SystemClock
from readstate.credentials import Credentials
from readstate.errors import ConsentMissing, ExitCode, LocalDisk, PlanUnusable, StoppedEarly
from readstate.model.plan import Manifest, Target
from readstate.model.quantities import parse_duration
from readstate.observers.monitor import monitor_run
from readstate.settings import Settings
from readstate.stop import StopSwitch
from readstate.twilio.connect import Connection, connection
from readstate_jobs.applying.apply_options import ApplyWish
from readstate_jobs.applying.confirm import asker
from readstate_jobs.cli.caller import caller, lock_holder
from readstate_jobs.cli.event_loop import fan_out, run
from readstate_jobs.cli.messages import command_line

_ROWS_PER_REQUEST = 1.5
"""While some rows wait for the disk, others keep the connections busy."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a start of a run came to."""

    run: RunDirectory
    plan: Plan
    result: RunResult


@dataclass(frozen=True, slots=True)
class _Wires:
    """What both ways to begin need."""

    twilio: Connection
    context: ApplyDependencies
    succeeded: Any


@dataclass(frozen=True, slots=True)
class ApplyJob:
    """One start of a run, ready to go; guards have been asked before."""

    settings: Settings
    credentials: Credentials
    wish: ApplyWish
    excel: bool = False

    def apply(self, plan: Plan) -> Report:
        """Begin a new run of *plan*. Raises `PlanUnusable`, `Locked`, `LocalDisk`, `NotPermitted`."""
        return run(lambda stop: self._apply(plan, stop))

    def resume(self, directory: RunDirectory, plan: Plan) -> Report:
        """Go on with the run in *directory*. Raises `PlanUnusable`, `Locked`, `LocalDisk`, `NotPermitted`."""
        return run(lambda stop: self._resume(directory, plan, stop))

    async def _apply(self, plan: Plan, stop: StopSwitch) -> Report:
        async with self._wired(stop) as wires:
            clock, manifest = wires.context.clock, plan.manifest
            located = await self._located(plan, wires)
            require_not_expired(manifest, located.server_now(clock))
            run_id = name_run(clock.now())
            with self._locked(located.target, run_id):
                require_not_erased(plan.directory)  # once more: nobody can forget it from here on
                refuse_consumed(manifest.plan_id, Path(self.settings.work_dir))
                directory = create_run(Path(self.settings.work_dir), run_id)
                header = self._header(plan, run_id, located, now=clock.now())
                journal = create_journal(directory.journal, header)
                return await self._carry_out(plan, directory, journal, wires)

    async def _resume(self, directory: RunDirectory, plan: Plan, stop: StopSwitch) -> Report:
        if directory.stop.exists():
            raise StoppedEarly(f"somebody has put {directory.stop} there", hint=f"To go on:  rm {directory.stop}")
        async with self._wired(stop) as wires:
            located = await self._located(plan, wires)
            _tell_age(plan.manifest, located.server_now(wires.context.clock))
            with self._locked(located.target, directory.run_id):
                for place in (directory.path, plan.directory):
                    require_not_erased(place)  # once more: nobody can forget it from here on
                journal = open_journal(directory.journal)
                return await self._carry_out(plan, directory, journal, wires)

    async def _carry_out(self, plan: Plan, directory: RunDirectory, journal: Journal, wires: _Wires) -> Report:
        sys.stderr.write(f"run {directory.run_id} in {directory.path}\n")
        sys.stderr.flush()
        options = self.wish.as_options(
            max_parallel_rows=ceil(_ROWS_PER_REQUEST * self.settings.max_in_flight),
            max_outage_seconds=parse_duration(self.settings.max_outage),
        )
        try:
            journal.record_event(
                "started",
                wires.context.clock.now(),
                who=self._who(),
                consent=self.wish.consent,
                care=self.wish.care,
            )
            result = await apply(plan, directory, journal, options, wires.context)
            try:
                write_results(plan, journal, directory.path, excel=self.excel)
            except LocalDisk:
                if result.stopped is None:
                    raise
        finally:
            journal.close()
        if result.stopped is None:
            wires.succeeded()
        return Report(directory, plan, result)

    @asynccontextmanager
    async def _wired(self, stop: StopSwitch) -> AsyncIterator[_Wires]:
        clock = SystemClock()
        meter = LatencyMeter(clock)
        with monitor_run(self.settings, command="apply", clock=clock) as monitor:
            emit = fan_out([meter.observe, monitor.emit])
            async with connection(self.settings, self.credentials, clock=clock, emit=emit) as twilio:
                monitor.show_limiter(twilio.limiter)

                def rate() -> float:
                    rates = twilio.limiter.view(clock.monotonic()).rates
                    writes = [per_second for domain, per_second in rates.items() if domain.startswith("writes:")]
                    return min(writes, default=twilio.limiter.settings.writes_per_second)

                yield _Wires(
                    twilio,
                    ApplyDependencies(
                        writer=twilio.writer(),
                        rate=rate,
                        confirm=asker(stop, monitor.emit),
                        meter=meter,
                        clock=clock,
                        stop=stop,
                        emit=monitor.emit,
                    ),
                    monitor.mark_success,
                )

    async def _located(self, plan: Plan, wires: _Wires) -> TargetInfo:
        located = await find_target(
            wires.twilio.reader(),
            plan.manifest.service_sid,
            base_url=self.settings.base_url,
            clock=wires.context.clock,
        )
        require_same_target(plan.manifest, located.target)
        return located

    def _locked(self, target: Target, run_id: str) -> Any:
        return target_lock(Path(self.settings.work_dir), target, run_id=run_id, holder=lock_holder())

    def _who(self) -> dict[str, Any]:
        """Who carries the plan out, and with which key: another than its author's, maybe."""
        return caller() | {"api_key_sid_suffix": self.credentials.key_suffix}

    def _header(self, plan: Plan, run_id: str, located: TargetInfo, *, now: Any) -> RunHeader:
        manifest, target = plan.manifest, located.target
        me = self._who()
        return RunHeader(
            run_id=run_id,
            plan_id=manifest.plan_id,
            plan_dir=str(plan.directory.absolute()),
            rows_sha256=manifest.rows_sha256,
            account_sid=target.account_sid,
            service_sid=target.service_sid,
            base_url=target.base_url,
            executable=manifest.guard_inputs.updates + manifest.guard_inputs.deletes,
            started_at=now,
            tool_version=version("readstate"),
            who=me,
            argv=me["argv"],
            consent=self.wish.consent,
            options=self.wish.care,
        )


def refuse_unseen_canary(directory: RunDirectory) -> None:
    """Refuse to go on by itself with a run that waits for a person after its canary. Raises `ConsentMissing`."""
    journal = open_read_only(directory.journal)
    _, exit_code = journal.final_state()
    journal.close()
    if exit_code == ExitCode.CONSENT_MISSING:
        raise ConsentMissing(
            f"the canary of run {directory.run_id} is done, and nobody has agreed to go on (--canary-pause)",
            hint=f"Look at {directory.path / 'results.csv'}, then:  readstate resume {directory.run_id}",
        )


def _tell_age(manifest: Manifest, server_now: datetime) -> None:
    """Say that a run goes on with an old plan: a large one takes days, so its age cannot end it.

    What protects the rows is that each is read and compared right before it is written, on the first day and the last.
    """
    if server_now >= manifest.expires_at:
        command_line().print_message(
            f"plan {manifest.plan_id} expired at {manifest.expires_at:%Y-%m-%d %H:%M} UTC; the run was begun in time,"
            " goes on, and leaves alone what is no longer as planned"
        )


def plan_of(directory: RunDirectory, wish: ApplyWish) -> tuple[Plan, ApplyWish]:
    """The plan that the run in *directory* was begun with, and what its first start was told, *wish* over it.

    Raises `BadInput`, `PlanUnusable`.
    """
    require_not_erased(directory.path)
    journal = open_read_only(directory.journal)
    header = journal.header
    journal.close()
    plan = open_plan(Path(header.plan_dir))
    if plan.manifest.rows_sha256 != header.rows_sha256:
        raise PlanUnusable(
            f"{header.plan_dir} is not the plan that run {header.run_id} was begun with",
            hint="Put that plan back, or plan again.",
        )
    return plan, wish.over(header.consent, header.options)
