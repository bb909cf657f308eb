"""Wires mark-read: rows from Twilio, through the selection, into a plan like any other."""

import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from readstate.changes.current_state.context import ReadContext
from readstate.changes.current_state.identities import look_up
from readstate.changes.current_state.target import TargetInfo, find_target
from readstate.changes.planning.gather import read_newest
from readstate.changes.planning.make_plan import PlanOptions, Provenance, write_plan
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.changes.plans.reader import Plan
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.selection.conditions import CLOSED
from readstate.changes.selection.exclusions import Exclusions
from readstate.changes.selection.selected_rows import SelectedRows
from readstate.clock import SystemClock
from readstate.credentials import Credentials
from readstate.events import Message
from readstate.model.plan import InputFacts
from readstate.model.selection import SELECTION, SelectionFacts
from readstate.observers.monitor import monitor_run
from readstate.settings import Settings
from readstate.snapshot.candidates.live_rows import LiveReading, UserTally, read_rows
from readstate.snapshot.candidates.live_users import Presence, all_users, named_users
from readstate.snapshot.published.manifest import RequestCounts
from readstate.snapshot.workspace.request_counter import RequestCounter
from readstate.stop import StopSwitch
from readstate.twilio.connect import connection
from readstate_jobs.cli.caller import provenance
from readstate_jobs.cli.event_loop import fan_out, run_cancellable
from readstate_jobs.mark_read.options import MarkReadOptions
from readstate_jobs.mark_read.selector import RowSelector
from readstate_jobs.planning.plan_job import write_summaries


@dataclass(frozen=True, slots=True)
class MarkReadResult:
    """The plan, and what it does not cover."""

    plan: Plan
    facts: SelectionFacts
    failures: list[str]
    """Some users that could not be read, each with the reason."""


@dataclass(frozen=True, slots=True)
class _Gathered:
    located: TargetInfo
    facts: SelectionFacts
    failures: list[str]
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """The same surroundings for both sides, which do not know each other."""

    live: LiveReading
    changes: ReadContext


@dataclass(frozen=True, slots=True)
class MarkReadJob:
    """One selection, ready to be planned."""

    settings: Settings
    credentials: Credentials
    options: MarkReadOptions
    root: Path

    def plan(self) -> MarkReadResult:
        """Select, read what the selection needs, and write the plan with all of its renderings."""
        with tempfile.TemporaryDirectory(prefix="readstate-") as folder, PlanWriter(self.root) as writer:
            readings = PlanWorkspace(Path(folder))
            try:
                gathered = run_cancellable(lambda stop: self._gather(readings, stop))
                plan = write_plan(
                    readings,
                    self._options(),
                    gathered.located,
                    writer,
                    provenance=self._provenance(gathered.facts),
                    now=SystemClock().now(),
                    requests=gathered.requests,
                )
            finally:
                readings.close()
        write_summaries(plan)
        return MarkReadResult(plan, gathered.facts, gathered.failures)

    async def _gather(self, readings: PlanWorkspace, stop: StopSwitch) -> _Gathered:
        clock, requests, users = SystemClock(), RequestCounter(), UserTally()
        with monitor_run(self.settings, command="mark-read", clock=clock) as monitor:
            emit = fan_out([requests.observe, users.observe, monitor.emit])
            async with connection(self.settings, self.credentials, clock=clock, emit=emit) as twilio:
                monitor.show_limiter(twilio.limiter)
                reader, options = twilio.reader(), self.options
                located = await find_target(reader, options.service, base_url=self.settings.base_url, clock=clock)
                shared: dict[str, Any] = {
                    "reader": reader,
                    "service_sid": located.target.service_sid,
                    "clock": clock,
                    "stop": stop,
                    "emit": emit,
                    "parallel": self.settings.max_in_flight,
                }
                around = _Around(live=LiveReading(**shared), changes=ReadContext(**shared))
                now = located.server_now(clock)
                conditions = options.conditions(now=now, excluded=await self._excluded(around.changes))
                selector = RowSelector(conditions, options.action, SelectedRows(readings))
                presence = Presence()
                await self._read(selector, presence, around.live)
                selected = selector.selected.drop_repeated()
                await read_newest(readings, self._options().rules(now), around.changes)
                facts = SelectionFacts(
                    conditions=options.recorded(conditions),
                    users=users.read,
                    users_vanished=users.vanished,
                    users_failed=users.failed,
                    rows=selector.rows,
                    selected=selected,
                    left_out=selector.left_out_by_reason(),
                    audience=selector.selected.audience(presence.online),
                )
                monitor.mark_success()
                return _Gathered(located, facts, users.failures, requests.added_to(RequestCounts()).requests)

    async def _excluded(self, around: ReadContext) -> Exclusions:
        """The exclusions with every identity replaced by its SID, which all rows have."""
        identities = self.options.excluded.identities
        sids = await look_up(identities, around)
        for identity in identities:
            if identity not in sids:
                around.emit(Message(f"--exclude: there is no user {identity!r} to leave out"))
        return self.options.excluded.resolved(sids)

    async def _read(self, selector: RowSelector, presence: Presence, around: LiveReading) -> None:
        entries = self.options.users
        users = all_users(around) if entries is None else named_users(entries, around)
        await read_rows(presence.watched(users), around, selector.add)

    def _options(self) -> PlanOptions:
        return PlanOptions(
            allow_first_set=self.options.action.never_read_too,
            allow_closed=CLOSED in self.options.states,
            writes_per_second=self.settings.writes_per_second,
        )

    def _provenance(self, facts: SelectionFacts) -> Provenance:
        conditions = msgspec.json.encode(facts.conditions, order="sorted")
        return provenance(
            self.credentials,
            via=SELECTION,
            input_facts=InputFacts(
                name="mark-read",
                size=len(conditions),
                sha256=sha256(conditions).hexdigest(),
                encoding="",
                delimiter="",
                header=(),
                rows=facts.selected,
                rejected_rows=0,
                warnings=0,
            ),
            options={SELECTION: msgspec.to_builtins(facts)},
        )
