"""One start of a run: plan, lock, journal, connection and results; for the command line and for schedulers alike."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

from msgspec import Struct

from readstate import __version__
from readstate.changes.apply.latency import LatencyMeter
from readstate.changes.apply.options import ApplyDependencies
from readstate.changes.apply.run import apply
from readstate.changes.current_state.target import TargetInfo
from readstate.changes.plans.reader import Plan, require_not_expired, require_same_target
from readstate.changes.plans.tombstone import require_not_erased
from readstate.changes.runs.directory import RunDirectory, begin_run, name_run, require_unused_plan
from readstate.changes.runs.journal import Journal, open_journal, open_read_only
from readstate.changes.runs.journal_entries import RunHeader
from readstate.changes.runs.lock import target_lock
from readstate.changes.runs.result import RunResult
from readstate.changes.runs.results import write_results
from readstate.clock import SystemClock
from readstate.disk.files import require_utf8
from readstate.errors import ConsentMissing, ExitCode, LocalDisk, PlanUnusable, StoppedEarly
from readstate.model.plan import Manifest, Target
from readstate.model.quantities import parse_duration
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.stop import StopSwitch
from readstate_jobs.applying.apply_options import ApplyArguments
from readstate_jobs.applying.confirm import make_prompt
from readstate_jobs.cli.caller import caller, lock_holder
from readstate_jobs.cli.event_loop import run
from readstate_jobs.cli.session import Session, open_session
from readstate_jobs.output.messages import command_line, next_line

_ROWS_PER_REQUEST = 1.5
"""While some rows wait for the disk, others keep the connections busy."""


class ApplyResult(Struct, frozen=True):
    """The result of one start of a run."""

    run: RunDirectory
    plan: Plan
    result: RunResult


class ApplyJob(Struct, frozen=True):
    """One start of a run; consent has been checked before."""

    settings: Settings
    credentials: Credentials
    arguments: ApplyArguments
    excel: bool = False

    def apply(self, plan: Plan) -> ApplyResult:
        """Begin a new run of *plan*. Raise `BadInput`, `PlanUnusable`, `Locked`, `LocalDisk`, `NotPermitted`."""
        require_utf8(plan.directory.absolute())  # the journal names it
        return run(lambda stop: self._apply(plan, stop))

    def resume(self, directory: RunDirectory, plan: Plan) -> ApplyResult:
        """Resume the run in *directory*. Raise `PlanUnusable`, `Locked`, `LocalDisk`, `NotPermitted`."""
        return run(lambda stop: self._resume(directory, plan, stop))

    async def _apply(self, plan: Plan, stop: StopSwitch) -> ApplyResult:
        async with self._connected(plan, stop) as (session, target, context):
            clock, work_dir = session.clock, Path(self.settings.work_dir)
            require_not_expired(plan.manifest, target.server_now(clock))
            run_id = name_run(clock.now())
            with self._locked(target.target, run_id):
                require_not_erased(plan.directory)  # again: from here on the lock prevents it
                require_unused_plan(plan.manifest.plan_id, plan.manifest.created_at, work_dir)
                directory, journal = begin_run(work_dir, self._header(plan, run_id, target, now=clock.now()))
                return await self._execute(plan, directory, journal, session, context)

    async def _resume(self, directory: RunDirectory, plan: Plan, stop: StopSwitch) -> ApplyResult:
        if directory.stop.exists():
            raise StoppedEarly(f"the file {directory.stop} stops this run", hint=f"To continue:  rm {directory.stop}")
        async with self._connected(plan, stop) as (session, target, context):
            _warn_if_expired(plan.manifest, target.server_now(session.clock))
            with self._locked(target.target, directory.run_id):
                for place in (directory.path, plan.directory):
                    require_not_erased(place)  # again: from here on the lock prevents it
                return await self._execute(plan, directory, open_journal(directory.journal), session, context)

    async def _execute(
        self, plan: Plan, directory: RunDirectory, journal: Journal, session: Session, context: ApplyDependencies
    ) -> ApplyResult:
        command_line().print_message(f"run {directory.run_id} in {directory.path}")
        arguments = self.arguments
        options = arguments.to_options(
            max_parallel_rows=ceil(_ROWS_PER_REQUEST * self.settings.max_in_flight),
            max_outage_seconds=parse_duration(self.settings.max_outage),
        )
        with closing(journal):
            facts = {"who": self._who(), "consent": arguments.consent, "care": arguments.options}
            journal.record_event("started", session.clock.now(), **facts)
            result = await apply(plan, directory, journal, options, context)
            try:
                write_results(plan, journal, directory.path, excel=self.excel)
            except (LocalDisk, PlanUnusable):
                # Why a run was stopped is more to the point than that its results are not written yet.
                if result.stopped is None:
                    raise
        if result.stopped is None:
            session.succeeded()
        return ApplyResult(directory, plan, result)

    @asynccontextmanager
    async def _connected(
        self, plan: Plan, stop: StopSwitch
    ) -> AsyncIterator[tuple[Session, TargetInfo, ApplyDependencies]]:
        # The meter observes the writer's own requests, and must not miss one: it is there before the connection.
        clock = SystemClock()
        meter = LatencyMeter(clock)
        async with open_session(
            self.settings, self.credentials, command="apply", clock=clock, observers=[meter.observe]
        ) as session:
            target = await session.find_target(plan.manifest.service_sid)
            require_same_target(plan.manifest, target.target)
            limiter = session.twilio.limiter

            def rate() -> float:
                paced = [pacer.rate.value for domain, pacer in limiter.pacers.items() if domain and pacer.rate]
                return min(paced, default=limiter.settings.writes_per_second)

            yield (
                session,
                target,
                ApplyDependencies(
                    writer=session.twilio.writer(),
                    rate=rate,
                    confirm=make_prompt(stop, session.monitor.emit),
                    meter=meter,
                    clock=clock,
                    stop=stop,
                    emit=session.monitor.emit,
                ),
            )

    @contextmanager
    def _locked(self, target: Target, run_id: str) -> Iterator[None]:
        work_dir = Path(self.settings.work_dir)
        with target_lock(work_dir, target, run_id=run_id, holder=lock_holder()) as sees_machine:
            if not sees_machine:
                command_line().print_message(
                    f"on this system, runs with another work folder than {work_dir} cannot be seen:"
                    " start one run at a time"
                )
            yield

    def _who(self) -> dict[str, Any]:
        """Return who applies the plan, and with which key: both may differ from those that made it."""
        return caller() | {"api_key_sid_suffix": self.credentials.key_suffix}

    def _header(self, plan: Plan, run_id: str, info: TargetInfo, *, now: datetime) -> RunHeader:
        manifest, target, who = plan.manifest, info.target, self._who()
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
            tool_version=__version__,
            who=who,
            argv=who["argv"],
            consent=self.arguments.consent,
            options=self.arguments.options,
        )


def require_canary_confirmed(directory: RunDirectory) -> None:
    """Raise `ConsentMissing` for a run that waits for a person after its canary: it cannot continue by itself."""
    with closing(open_read_only(directory.journal)) as journal:
        _, exit_code = journal.final_state()
    if exit_code == ExitCode.CONSENT_MISSING:
        raise ConsentMissing(
            f"the canary of run {directory.run_id} is done and not confirmed yet (--canary-pause)",
            hint=f"Look at {directory.path / 'results.csv'}, then:  {next_line('resume', directory.run_id)}",
        )


def _warn_if_expired(manifest: Manifest, server_now: datetime) -> None:
    """Report that a run continues with an expired plan: a large run takes days, so age cannot end it.

    What protects the rows is that each is read and compared right before it is written.
    """
    if server_now >= manifest.expires_at:
        command_line().print_message(
            f"plan {manifest.plan_id} expired at {manifest.expires_at:%Y-%m-%d %H:%M} UTC; the run was started in time,"
            " continues, and skips rows that have changed since the plan"
        )
