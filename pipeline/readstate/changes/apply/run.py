"""Carry a plan out: rows of unknown outcome, then updates, then removals; each by canary, ramp and the rest."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice

from readstate.changes.apply.admission import Admission, Slot
from readstate.changes.apply.budgets import Budgets, Canary
from readstate.changes.apply.circuit_breaker import WriteBreaker
from readstate.changes.apply.options import ApplyDependencies, ApplyOptions
from readstate.changes.apply.row_executor import RowExecutor
from readstate.changes.apply.work_queue import WorkQueue, by_user, unfinished_rows
from readstate.changes.plans.reader import Plan
from readstate.changes.rules.sampling import is_sampled
from readstate.changes.runs.directory import RunDirectory
from readstate.changes.runs.group_commit import JournalWriter
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.result import RunResult, summarise
from readstate.changes.runs.row_record import PENDING, RowRecord
from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import ExitCode, LocalDisk, Locked, PlanUnusable, ReadstateError
from readstate.events import ApplyBegan, Event, StageBegan, WritesGoOn, WritesHeld
from readstate.model.desired import Operation
from readstate.model.outcome import Outcome, OutcomeClass, outcomes_in
from readstate.model.plan import PlanRow
from readstate.stop import StopReason

_RESOLVED_AT_ONCE = 16
_NOUNS = {Operation.UPDATE: "updates", Operation.DELETE: "removals"}
_RAMP_SHARE = 0.01


async def apply(
    plan: Plan, directory: RunDirectory, journal: Journal, options: ApplyOptions, context: ApplyDependencies
) -> RunResult:
    """Bring every executable row of *plan* to its outcome, or as many as possible.

    The result is in the journal. What stops a run early is not raised: the result contains it.
    Raise `PlanUnusable` where the plan is not the one that the journal was begun for.
    """
    reason: StopReason | None = None
    queue = WorkQueue(directory.work)
    try:
        directory.require_free_space()
        # The cause of a failure may have been fixed since: a later start tries such rows once more.
        journal.reopen(sorted(outcomes_in(OutcomeClass.FAILED)))
        queue.fill(unfinished_rows(plan, journal))
        async with JournalWriter(journal) as writer:
            await _Run(plan, directory, journal=writer, queue=queue, options=options, context=context).execute()
    except PlanUnusable as error:
        with suppress(LocalDisk, Locked):
            journal.finish("stopped", error.exit_code)
        raise
    except ReadstateError as error:
        reason = StopReason(str(error), error.exit_code)
    finally:
        queue.close()
    result = summarise(journal.counts(), journal.header.executable, reason or context.stop.reason())
    _record_end(journal, result, context.clock)
    return result


class _Run:
    """One start of a run."""

    def __init__(
        self,
        plan: Plan,
        directory: RunDirectory,
        *,
        journal: JournalWriter,
        queue: WorkQueue,
        options: ApplyOptions,
        context: ApplyDependencies,
    ) -> None:
        self._journal = journal
        self._queue = queue
        self._options = options
        self._context = context
        self._stop = context.stop
        unfinished = journal.journal.records(PENDING, Outcome.UNKNOWN)
        self._records = {record.plan_row_id: record for record in unfinished}
        self._resolved: set[int] = set()
        """Rows that were settled by reading them back, before their turn."""
        self._canary: Canary | None = None
        executable = journal.journal.header.executable
        self._budgets = Budgets(
            max_errors=options.max_errors.of(executable),
            max_drift=options.max_drift.of(executable),
            stops_on_drift=options.on_drift == "stop",
        )
        # The budgets are those of the run, not of one start: resuming again and again does not refill them.
        for outcome, number in journal.journal.counts().items():
            if outcome not in {PENDING, Outcome.UNKNOWN}:
                self._budgets.count(outcome, number)
        breaker = WriteBreaker(options.breaker)
        self._executor = RowExecutor(
            service_sid=plan.manifest.service_sid,
            journal=journal,
            options=options.row,
            context=context,
            breaker=breaker,
            on_settled=self._count,
        )
        self._admission = Admission(
            directory, options=options, context=context, breaker=breaker, emit=self._record_pause
        )

    async def execute(self) -> None:
        journal = self._journal.journal
        doubtful = [record for record in self._records.values() if record.state == Outcome.UNKNOWN]
        executable = journal.header.executable
        left = self._queue.count(Operation.UPDATE) + self._queue.count(Operation.DELETE)
        self._context.emit(
            ApplyBegan(journal.header.run_id, journal.epoch, executable, executable - left, len(doubtful))
        )
        self._record_event("began", epoch=journal.epoch, left=left, in_doubt=len(doubtful))
        self._check_budgets()
        # A canary that has passed in an earlier start is not repeated.
        passed = {(event["operation"], event["stage"]) for event in journal.events() if event["kind"] == "stage_passed"}
        await self._run_until_stopped(self._run_phases(doubtful, passed))

    async def _run_phases(self, doubtful: list[RowRecord], passed: set[tuple[str, str]]) -> None:
        await self._resolve(doubtful)
        for operation in (Operation.UPDATE, Operation.DELETE):
            await self._run_phase(operation, passed)

    async def _run_until_stopped(self, work: Coroutine[None, None, None]) -> None:
        """Await *work*; once the run is to stop, no longer than the grace allows.

        A row that is cut off then has an intent in the journal, and is read back when the run is resumed.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)

        def cancel_after_grace() -> None:
            loop.call_later(self._options.grace_seconds, task.cancel)

        self._stop.on_stop(cancel_after_grace)
        try:
            await task
        except asyncio.CancelledError:
            # Cancelled by the grace: that is an end. Cancelled from outside: that is not ours to swallow.
            me = asyncio.current_task()
            if self._stop.reason() is None or (me is not None and me.cancelling()):
                raise

    async def _resolve(self, doubtful: list[RowRecord]) -> None:
        """Read back the rows that an earlier start may have sent; nothing is sent before their outcome is known."""

        async def one(record: RowRecord) -> None:
            if self._stop.reason() is None:
                await self._executor.resolve(self._queue.get(record.plan_row_id), record)
                if record.state != PENDING:
                    self._resolved.add(record.plan_row_id)

        async with bounded_map(one, doubtful, limit=_RESOLVED_AT_ONCE) as resolved:
            async for _ in resolved:
                pass

    async def _run_phase(self, operation: Operation, passed: set[tuple[str, str]]) -> None:
        resolved = sum(self._queue.get(plan_row_id).op == operation for plan_row_id in self._resolved)
        total = self._queue.count(operation) - resolved
        rows = (row for row in self._queue.rows(operation) if row.plan_row_id not in self._resolved)
        begun = 0
        for stage, size in self._stages(operation, total, passed):
            # Never a list: one hundredth of a plan may be a hundred thousand rows.
            first = None if self._stop.reason() is not None else next(rows, None)
            if first is None:
                return
            part = chain([first], rows if size is None else islice(rows, size - 1))
            number = total if size is None else min(size, total - begun)
            self._context.emit(StageBegan(operation, stage, number))
            self._canary = Canary() if stage == "canary" else None
            verify_share = self._options.verify_share if stage == "rest" else 1.0
            await self._execute_rows(part, verify_share=verify_share)
            self._end_stage(operation, stage)
            begun += number
            if stage == "canary" and self._options.canary_pause and begun < total:
                await self._confirm_canary(operation, begun, total)

    def _stages(
        self, operation: Operation, total: int, passed: set[tuple[str, str]]
    ) -> Iterator[tuple[str, int | None]]:
        """Yield the stages of a phase with their sizes; None is all the rest."""
        if self._options.canary and self._options.verify_share:
            ramp = max(self._options.canary, round(_RAMP_SHARE * total))
            for stage, size in (("canary", self._options.canary), ("ramp", ramp)):
                if (operation.value, stage) not in passed:
                    yield stage, size
        yield "rest", None

    def _end_stage(self, operation: Operation, stage: str) -> None:
        """Record that a stage has passed, or stop the run."""
        if self._canary is not None and (trouble := self._canary.exceeded()) is not None:
            self._stop_early(trouble)
        if stage != "rest" and self._stop.reason() is None:
            self._record_event("stage_passed", operation=operation, stage=stage)

    async def _confirm_canary(self, operation: Operation, begun: int, total: int) -> None:
        """Pause so that a person can review the canary; resuming a run that was stopped here is consent to continue."""
        if self._stop.reason() is not None:
            return
        done = f"The first {begun} of {total} {_NOUNS[operation]} are done and were read back."
        if await self._context.confirm(done):
            self._record_event("agreed", operation=operation, left=total - begun)
        else:
            text = f"{done} It was not confirmed that the others may follow (--canary-pause)"
            self._stop.request_stop(StopReason(text, ExitCode.CONSENT_MISSING))

    async def _execute_rows(self, rows: Iterable[PlanRow], *, verify_share: float) -> None:
        def is_verified(row: PlanRow) -> bool:
            return is_sampled(row.plan_row_id, verify_share)

        async def one(admitted: tuple[Sequence[PlanRow], Slot]) -> None:
            of_user, slot = admitted
            try:
                await self._executor.execute_user(
                    of_user,
                    self._records,
                    is_verified=is_verified,
                    wait_until_open=self._admission.wait_until_open,
                    release_early=slot.release,
                )
            finally:
                slot.release()

        users = self._admitted(by_user(rows))
        async with bounded_map(one, users, limit=self._options.max_parallel_rows) as finished:
            async for _ in finished:
                pass

    async def _admitted(self, users: Iterable[Sequence[PlanRow]]) -> AsyncIterator[tuple[Sequence[PlanRow], Slot]]:
        for of_user in users:
            if (slot := await self._admission.acquire()) is None:
                return
            yield of_user, slot

    def _record_event(self, kind: str, **facts: object) -> None:
        self._journal.record_event(kind, self._context.clock.now(), **facts)

    def _record_pause(self, event: Event) -> None:
        """Record when all writes were paused and when they went on; pass every event on."""
        match event:
            case WritesHeld(reason):
                self._record_event("held", reason=reason)
            case WritesGoOn(seconds):
                self._record_event("went_on", seconds=round(seconds, 3))
        self._context.emit(event)

    def _count(self, row: PlanRow, record: RowRecord) -> None:
        self._budgets.count(record.state)
        if self._canary is not None:
            self._canary.count(row.plan_row_id, record.state)
        self._check_budgets()

    def _check_budgets(self) -> None:
        if (trouble := self._budgets.exceeded()) is not None:
            self._stop_early(trouble)

    def _stop_early(self, trouble: str) -> None:
        self._stop.request_stop(StopReason(trouble, ExitCode.STOPPED_EARLY))


def _record_end(journal: Journal, result: RunResult, clock: Clock) -> None:
    """Record in the journal how this start ended, if it can still be written."""
    why = {} if result.stopped is None else {"stopped": result.stopped.text}
    try:
        journal.record_event("ended", clock.now(), exit_code=int(result.exit_code), counts=result.counts, **why)
        journal.finish("finished" if result.stopped is None else "stopped", result.exit_code)
    except (LocalDisk, Locked):  # the result has the first error, which is the one to know
        return
