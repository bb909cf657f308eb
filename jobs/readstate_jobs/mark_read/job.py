"""Plan from a selection: rows are read from Twilio, selected, and written into a plan like any other."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from readstate.changes.current_state.identities import resolve_identities
from readstate.changes.current_state.target import TargetInfo
from readstate.changes.planning.gather import read_newest
from readstate.changes.planning.make_plan import Provenance, write_plan
from readstate.changes.planning.options import PlanOptions
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.render.summary import Summary
from readstate.changes.selection.conditions import CLOSED
from readstate.changes.selection.exclusions import Exclusions
from readstate.changes.selection.selected_rows import SelectedRows
from readstate.clock import SystemClock
from readstate.disk.files import scratch_folder
from readstate.events import Event, Message, RequestAnswered, RequestLost
from readstate.model.plan import SELECTION, InputFacts, SelectionFacts
from readstate.model.resources import User
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.snapshot.candidates.live_rows import UserTally, read_rows
from readstate.snapshot.candidates.live_users import OnlineUsers, all_users, named_users
from readstate.stop import StopSwitch
from readstate.twilio.read_context import ReadContext
from readstate_jobs.cli.caller import provenance
from readstate_jobs.cli.event_loop import run_cancellable
from readstate_jobs.cli.session import open_session
from readstate_jobs.mark_read.options import MarkReadOptions
from readstate_jobs.planning.plan_job import write_summaries


class MarkReadResult(Struct, frozen=True):
    """The plan, and what it does not cover."""

    summary: Summary
    facts: SelectionFacts
    failures: list[str]
    """Some users that could not be read, each with the reason."""


class _Gathered(Struct, frozen=True):
    target: TargetInfo
    facts: SelectionFacts
    failures: list[str]
    requests: int


class RequestTally(Struct):
    """An observer that counts requests."""

    count: int = 0

    def observe(self, event: Event) -> None:
        self.count += isinstance(event, RequestAnswered | RequestLost)


class MarkReadJob(Struct, frozen=True):
    """Makes one plan from a selection."""

    settings: Settings
    credentials: Credentials
    options: MarkReadOptions
    root: Path

    def plan(self) -> MarkReadResult:
        """Select rows, read their newest messages, and write the plan with all of its renderings."""
        with scratch_folder() as folder, PlanWriter(self.root) as writer:
            workspace = PlanWorkspace(folder)
            try:
                gathered = run_cancellable(lambda stop: self._gather(workspace, stop))
                plan = write_plan(
                    workspace,
                    self._options(),
                    gathered.target,
                    writer,
                    provenance=self._provenance(gathered.facts),
                    now=SystemClock().now(),
                    requests=gathered.requests,
                )
            finally:
                workspace.close()
        return MarkReadResult(write_summaries(plan), gathered.facts, gathered.failures)

    async def _gather(self, workspace: PlanWorkspace, stop: StopSwitch) -> _Gathered:
        requests, users = RequestTally(), UserTally()
        async with open_session(
            self.settings, self.credentials, command="mark-read", observers=[requests.observe, users.observe]
        ) as session:
            target = await session.find_target(self.options.service)
            context = session.read_context(target.target.service_sid, stop)
            conditions = self.options.conditions_at(target.server_now(session.clock), await self._excluded(context))
            rows = SelectedRows(workspace, conditions, self.options.action)
            online_users = OnlineUsers()
            await read_rows(online_users.watch(self._users(context)), context, rows.add)
            # Before the newest messages: each conversation is then read once, and only for rows that stay.
            selected = rows.drop_repeated()
            await read_newest(workspace, self._options(), context)
            facts = SelectionFacts(
                conditions=self.options.recorded(conditions),
                users=users.read,
                users_vanished=users.vanished,
                users_unknown=users.unknown,
                users_failed=users.failed,
                rows=rows.rows,
                selected=selected,
                left_out=rows.left_out(),
                audience=rows.audience(online_users.online),
            )
            session.succeeded()
            return _Gathered(target, facts, users.failures, requests.count)

    async def _excluded(self, context: ReadContext) -> Exclusions:
        """Return the exclusions with every identity replaced by its SID, which all rows have."""
        identities = self.options.conditions.excluded.identities
        sids = await resolve_identities(identities, context)
        for identity in identities:
            if identity not in sids:
                context.emit(Message(f"--exclude: there is no user {identity!r} to leave out"))
        return self.options.conditions.excluded.resolved(sids)

    def _users(self, context: ReadContext) -> AsyncIterator[User]:
        return all_users(context) if self.options.users is None else named_users(self.options.users, context)

    def _options(self) -> PlanOptions:
        return PlanOptions(
            allow_first_set=self.options.action.never_read_too,
            allow_closed=CLOSED in self.options.conditions.states,
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
                rows=facts.selected,
            ),
            options={SELECTION: msgspec.to_builtins(facts)},
        )
