"""Wires what looks at plans and runs and changes nothing on the other side: verify, reconcile, undo."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from readstate.changes.current_state.reading_rows import RowReading
from readstate.changes.current_state.target import Located
from readstate.changes.planning.make_plan import Provenance
from readstate.changes.plans.reader import Plan, check_target
from readstate.changes.plans.tombstone import refuse_forgotten
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.review.reconcile import reconcile
from readstate.changes.review.undo import plan_undo
from readstate.changes.review.verify import Verified, verify
from readstate.changes.rules.settle import Standing
from readstate.changes.runs.directory import RunDirectory, create_run, name_run, target_lock
from readstate.changes.runs.journal import RunHeader, create_journal, look_into
from readstate.model.plan import InputFacts
from readstate.settings import Credentials, Settings
from readstate.stop import StopSwitch
from readstate_jobs.cli.caller import caller, provenance
from readstate_jobs.cli.event_loop import run, run_reading
from readstate_jobs.cli.session import open_session
from readstate_jobs.planning.plan_job import write_summaries


@dataclass(frozen=True, slots=True)
class LookJob:
    """One look, ready to be taken; it is handed a `Reader`, and could not write if it tried."""

    settings: Settings
    credentials: Credentials

    def verify(self, directory: RunDirectory, plan: Plan, *, share: float) -> Verified:
        """Read back *share* of what the run in *directory* has changed."""

        async def look(stop: StopSwitch) -> Verified:
            async with self._looking(plan, stop, command="verify") as (_, around):
                with closing(look_into(directory.journal)) as journal:
                    return await verify(plan, journal, around, share=share)

        return run_reading(look)

    def reconcile(self, plan: Plan) -> tuple[RunDirectory, Counter[Standing]]:
        """Begin a run of *plan* whose journal says what reading every row tells."""

        async def look(stop: StopSwitch) -> tuple[RunDirectory, Counter[Standing]]:
            async with self._looking(plan, stop, command="reconcile") as (located, around):
                now, work_dir = around.clock.now(), Path(self.settings.work_dir)
                run_id = name_run(now)
                with target_lock(work_dir, located.target, run_id=run_id, holder=caller()):
                    refuse_forgotten(plan.directory)  # once more: nobody can forget it from here on
                    directory = create_run(work_dir, run_id)
                    header = RunHeader(
                        run_id=run_id,
                        plan_id=plan.manifest.plan_id,
                        plan_dir=str(plan.directory.absolute()),
                        rows_root_sha256=plan.manifest.rows_root_sha256,
                        account_sid=located.target.account_sid,
                        service_sid=located.target.service_sid,
                        base_url=located.target.base_url,
                        executable=plan.manifest.guard_inputs.updates + plan.manifest.guard_inputs.deletes,
                        started_at=now,
                        tool_version=version("readstate"),
                        who=caller(),
                        argv=sys.argv[1:],
                        consent={},
                        options={},
                    )
                    with closing(create_journal(directory.journal, header)) as journal:
                        counts = await reconcile(plan, journal, around)
                        journal.end("stopped", 0)
                    return directory, counts

        return run(look)

    def undo(self, directory: RunDirectory, plan: Plan, root: Path, *, first_set_to: int | None) -> Plan:
        """Write, below *root*, the plan that takes back what the run in *directory* has changed."""

        async def look(stop: StopSwitch, writer: PlanWriter) -> Plan:
            async with self._looking(plan, stop, command="undo") as (located, around):
                with closing(look_into(directory.journal)) as journal:
                    return await plan_undo(
                        plan,
                        journal,
                        writer,
                        around,
                        located=located,
                        provenance=self._provenance(journal.header, plan, sum(journal.counts().values())),
                        writes_per_second=self.settings.writes_per_second,
                        first_set_to=first_set_to,
                    )

        with PlanWriter(root) as writer:
            undo = run_reading(lambda stop: look(stop, writer))
        write_summaries(undo)
        return undo

    @asynccontextmanager
    async def _looking(
        self, plan: Plan, stop: StopSwitch, *, command: str
    ) -> AsyncIterator[tuple[Located, RowReading]]:
        async with open_session(self.settings, self.credentials, command=command) as session:
            service_sid = plan.manifest.service_sid
            located = await session.locate(service_sid)
            check_target(plan.manifest, located.target)
            yield (
                located,
                RowReading(
                    reader=session.twilio.reader(),
                    service_sid=service_sid,
                    clock=session.clock,
                    stop=stop,
                    parallel=self.settings.max_in_flight,
                ),
            )
            session.succeeded()

    def _provenance(self, header: RunHeader, plan: Plan, rows: int) -> Provenance:
        return provenance(
            self.credentials,
            via="undo",
            input_facts=InputFacts(
                name=f"undo of run {header.run_id}",
                size=0,
                sha256=header.rows_root_sha256,
                encoding="",
                delimiter="",
                header=(),
                rows=rows,
                rejected_rows=0,
                warnings=0,
            ),
            options={
                "undo_of": header.run_id,
                "undo_of_plan": header.plan_id,
            },
        )
