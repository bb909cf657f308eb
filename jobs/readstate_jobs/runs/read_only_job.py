"""Connects the commands that read a run's rows and write nothing to Twilio: verify and undo."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from msgspec import Struct

from readstate.changes.current_state.target import TargetInfo
from readstate.changes.planning.make_plan import Provenance
from readstate.changes.plans.reader import Plan, require_same_target
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.render.summary import Summary
from readstate.changes.review.undo import plan_undo
from readstate.changes.review.verify import Verified, verify
from readstate.changes.runs.directory import RunDirectory
from readstate.changes.runs.journal import open_read_only
from readstate.changes.runs.journal_entries import RunHeader
from readstate.model.plan import InputFacts
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.stop import StopSwitch
from readstate.twilio.read_context import ReadContext
from readstate_jobs.cli.caller import provenance
from readstate_jobs.cli.event_loop import run_cancellable
from readstate_jobs.cli.session import open_session
from readstate_jobs.planning.plan_job import write_summaries


class ReadOnlyJob(Struct, frozen=True):
    """Verifies or undoes one run; it gets a `Reader`, which has no method that writes."""

    settings: Settings
    credentials: Credentials

    def verify(self, directory: RunDirectory, plan: Plan, *, share: float) -> Verified:
        """Read back *share* of what the run in *directory* has changed."""

        async def work(stop: StopSwitch) -> Verified:
            async with self._connected(plan, stop, command="verify") as (_, context):
                with closing(open_read_only(directory.journal)) as journal:
                    return await verify(plan, journal, context, share=share)

        return run_cancellable(work)

    def undo(self, directory: RunDirectory, plan: Plan, root: Path, *, first_set_to: int | None) -> Summary:
        """Write, below *root*, the plan that takes back what the run in *directory* has changed."""

        async def work(stop: StopSwitch, writer: PlanWriter) -> Plan:
            async with self._connected(plan, stop, command="undo") as (located, context):
                with closing(open_read_only(directory.journal)) as journal:
                    return await plan_undo(
                        plan,
                        journal,
                        writer,
                        context,
                        located=located,
                        provenance=self._provenance(journal.header, plan, sum(journal.counts().values())),
                        writes_per_second=self.settings.writes_per_second,
                        first_set_to=first_set_to,
                    )

        with PlanWriter(root) as writer:
            undo = run_cancellable(lambda stop: work(stop, writer))
        return write_summaries(undo)

    @asynccontextmanager
    async def _connected(
        self, plan: Plan, stop: StopSwitch, *, command: str
    ) -> AsyncIterator[tuple[TargetInfo, ReadContext]]:
        async with open_session(self.settings, self.credentials, command=command) as session:
            service_sid = plan.manifest.service_sid
            located = await session.find_target(service_sid)
            require_same_target(plan.manifest, located.target)
            yield (
                located,
                session.read_context(service_sid, stop),
            )
            session.succeeded()

    def _provenance(self, header: RunHeader, plan: Plan, rows: int) -> Provenance:
        return provenance(
            self.credentials,
            via="undo",
            input_facts=InputFacts(
                name=f"undo of run {header.run_id}",
                size=0,
                sha256=header.rows_sha256,
                rows=rows,
            ),
            options={
                "undo_of": header.run_id,
                "undo_of_plan": header.plan_id,
            },
        )
