"""Carry a plan out: first what is in doubt, then the updates, then the removals; each by canary, ramp and the rest."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from itertools import chain, islice

from readstate.changes.apply.admission import Gate
from readstate.changes.apply.budgets import Budgets, Canary, WriteBreaker
from readstate.changes.apply.left_to_do import left_to_do
from readstate.changes.apply.options import ApplyOptions, Surroundings
from readstate.changes.apply.row_executor import Carrier
from readstate.changes.apply.work_queue import UserRows, Work, by_user
from readstate.changes.plans.reader import Plan
from readstate.changes.rules.sampling import is_sampled
from readstate.changes.runs.directory import RunDirectory
from readstate.changes.runs.group_commit import JournalThread
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.result import Ending, ended
from readstate.changes.runs.row_record import PENDING, RowRecord
from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import ExitCode, LocalDisk, Locked, PlanUnusable, ReadstateError
from readstate.events import ApplyBegan, Event, StageBegan, WritesGoOn, WritesHeld
from readstate.model.desired import Operation
from readstate.model.outcome import Outcome
from readstate.model.plan import PlanRow
from readstate.stop import StopReason

_RESOLVED_AT_ONCE = 16
_NOUNS = {Operation.UPDATE: "updates", Operation.DELETE: "removals"}
_RAMP_SHARE = 0.01
_TRIED_AGAIN = (Outcome.REJECTED, Outcome.NOT_FOUND, Outcome.MISMATCH)
"""A later start of a run tries these rows once more: somebody may have mended the cause."""


async def apply(
    plan: Plan, directory: RunDirectory, journal: Journal, options: ApplyOptions, around: Surroundings
) -> Ending:
    """Bring every executable row of *plan* to its outcome, or as many as can be.

    The journal is the only thing that this leaves behind. What stops a run early, it does not raise: the ending
    tells. Raises `PlanUnusable` where the plan is not the one that the journal was begun for.
    """
    reason: StopReason | None = None
    work = Work(directory.work)
    try:
        directory.check_free()
        journal.reopen(_TRIED_AGAIN)
        work.fill(left_to_do(plan, journal))
        async with JournalThread(journal) as thread:
            await _Run(plan, directory, thread=thread, work=work, options=options, around=around).go()
    except PlanUnusable:
        raise
    except ReadstateError as error:
        reason = StopReason(str(error), error.exit_code)
    finally:
        work.close()
    ending = ended(journal.counts(), journal.header.executable, reason or around.stop.reason())
    _note_end(journal, ending, around.clock)
    return ending


class _Run:
    """One start of a run."""

    def __init__(
        self,
        plan: Plan,
        directory: RunDirectory,
        *,
        thread: JournalThread,
        work: Work,
        options: ApplyOptions,
        around: Surroundings,
    ) -> None:
        journal = thread.journal
        self._plan = plan
        self._thread = thread
        self._work = work
        self._options = options
        self._around = around
        self._stop = around.stop
        self._records = {record.plan_row_id: record for record in journal.records(PENDING, Outcome.UNKNOWN)}
        self._done: set[int] = set()
        """Rows that this start has settled out of turn."""
        self._canary: Canary | None = None
        executable = journal.header.executable
        self._budgets = Budgets(
            max_errors=options.max_errors.of(executable),
            max_drift=options.max_drift.of(executable),
            stops_on_drift=options.on_drift == "stop",
        )
        for outcome, number in journal.counts().items():
            if outcome not in {PENDING, Outcome.UNKNOWN}:
                self._budgets.counts[outcome] = number
        breaker = WriteBreaker(options.breaker)
        self._carrier = Carrier(
            writer=around.writer,
            service_sid=plan.manifest.service_sid,
            journal=thread,
            options=options.carrier,
            clock=around.clock,
            stop=around.stop,
            breaker=breaker,
            repetitions=around.repetitions,
            emit=around.emit,
            settled=self._note,
        )
        self._gate = Gate(
            directory,
            clock=around.clock,
            stop=around.stop,
            meter=around.meter,
            breaker=breaker,
            probe=around.writer.configuration,
            rate=around.rate,
            most=options.parallel,
            max_throttled_seconds=options.max_throttled_seconds,
            max_outage_seconds=options.max_outage_seconds,
            emit=self._hear,
        )

    async def go(self) -> None:
        """Do what is left, in order."""
        journal, clock = self._thread.journal, self._around.clock
        doubtful = [record for record in self._records.values() if record.state == Outcome.UNKNOWN]
        executable = journal.header.executable
        left = self._work.count(Operation.UPDATE) + self._work.count(Operation.DELETE)
        self._around.emit(
            ApplyBegan(journal.header.run_id, journal.epoch, executable, executable - left, len(doubtful))
        )
        journal.tell("began", clock.now(), epoch=journal.epoch, left=left, in_doubt=len(doubtful))
        self._check_budgets()
        passed = {(event["operation"], event["stage"]) for event in journal.events() if event["kind"] == "stage_passed"}
        await self._hurried(self._do(doubtful, passed))

    async def _do(self, doubtful: list[RowRecord], passed: set[tuple[str, str]]) -> None:
        await self._resolve(doubtful)
        for operation in (Operation.UPDATE, Operation.DELETE):
            await self._phase(operation, passed)

    async def _hurried(self, doing: Coroutine[None, None, None]) -> None:
        """Await *doing*; once somebody asks the run to stop, no longer than the grace allows.

        What is cut off then has an intent in the journal, and is read back when the run goes on.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(doing)

        def hurry() -> None:
            loop.call_later(self._options.grace_seconds, task.cancel)

        self._stop.on_stop(hurry)
        try:
            await task
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if self._stop.reason() is None or (me is not None and me.cancelling()):
                raise

    async def _resolve(self, doubtful: list[RowRecord]) -> None:
        """Find out what became of rows that an earlier start may have sent; nothing is sent before that is known."""

        async def one(record: RowRecord) -> None:
            if self._stop.reason() is None:
                await self._carrier.resolve(self._work.get(record.plan_row_id), record)
                if record.state != PENDING:
                    self._done.add(record.plan_row_id)

        async with bounded_map(one, doubtful, limit=_RESOLVED_AT_ONCE) as resolved:
            async for _ in resolved:
                pass

    async def _phase(self, operation: Operation, passed: set[tuple[str, str]]) -> None:
        done = sum(self._work.get(plan_row_id).op == operation for plan_row_id in self._done)
        total = self._work.count(operation) - done
        rows = (row for row in self._work.rows(operation) if row.plan_row_id not in self._done)
        begun = 0
        for stage, size in self._stages(operation, total, passed):
            # Never a list: one hundredth of a plan may be a hundred thousand rows.
            first = None if self._stop.reason() is not None else next(rows, None)
            if first is None:
                return
            part = chain([first], rows if size is None else islice(rows, size - 1))
            number = total if size is None else min(size, total - begun)
            self._around.emit(StageBegan(operation, stage, number))
            self._canary = Canary() if stage == "canary" else None
            verify_share = self._options.verify_share if stage == "rest" else 1.0
            await self._carry_out(part, verify_share=verify_share)
            await self._judge(operation, stage)
            begun += number
            if stage == "canary" and self._options.canary_pause and begun < total:
                await self._ask_to_go_on(operation, begun, total)

    def _stages(
        self, operation: Operation, total: int, passed: set[tuple[str, str]]
    ) -> Iterator[tuple[str, int | None]]:
        """The stages of a phase with their sizes; None is all the rest."""
        if self._options.canary and self._options.verify_share:
            ramp = max(self._options.canary, round(_RAMP_SHARE * total))
            for stage, size in (("canary", self._options.canary), ("ramp", ramp)):
                if (operation.value, stage) not in passed:
                    yield stage, size
        yield "rest", None

    async def _judge(self, operation: Operation, stage: str) -> None:
        """Write down that a stage has passed, or stop the run."""
        if self._canary is not None and (trouble := self._canary.verdict()) is not None:
            self._ask_to_stop(trouble)
        if stage != "rest" and self._stop.reason() is None:
            now = self._around.clock.now()
            await self._thread.run(lambda journal: journal.tell("stage_passed", now, operation=operation, stage=stage))

    async def _ask_to_go_on(self, operation: Operation, begun: int, total: int) -> None:
        """Let a person look at what the canary did; whoever resumes a run that was stopped here has looked."""
        if self._stop.reason() is not None:
            return
        done = f"The first {begun} of {total} {_NOUNS[operation]} are done and were read back."
        if await self._around.agree(done):
            now = self._around.clock.now()
            await self._thread.run(lambda journal: journal.tell("agreed", now, operation=operation, left=total - begun))
        else:
            self._stop.request_stop(
                StopReason(f"{done} Nobody has agreed to go on (--canary-pause)", ExitCode.CONSENT_MISSING)
            )

    async def _carry_out(self, rows: Iterable[PlanRow], *, verify_share: float) -> None:
        def is_verified(row: PlanRow) -> bool:
            return is_sampled(row.plan_row_id, verify_share)

        async def one(user: UserRows) -> None:
            slot = _Slot(self._gate.leave)
            try:
                await self._carrier.carry_out(
                    user,
                    self._records,
                    is_verified=is_verified,
                    may_begin=self._gate.is_open,
                    more_room=slot.give_up,
                )
            finally:
                slot.give_up()

        async with bounded_map(one, self._admitted(by_user(rows)), limit=self._options.parallel) as finished:
            async for _ in finished:
                pass

    async def _admitted(self, users: Iterable[UserRows]) -> AsyncIterator[UserRows]:
        for user in users:
            if not await self._gate.enter():
                return
            yield user

    def _hear(self, event: Event) -> None:
        """Write down when the run as a whole was held, and tell it to everybody."""
        match event:
            case WritesHeld(reason):
                self._thread.tell("held", self._around.clock.now(), reason=reason)
            case WritesGoOn(seconds):
                self._thread.tell("went_on", self._around.clock.now(), seconds=round(seconds, 3))
        self._around.emit(event)

    def _note(self, row: PlanRow, record: RowRecord) -> None:
        """Count an outcome against the budgets."""
        self._budgets.note(record.state)
        if self._canary is not None:
            self._canary.note(row.plan_row_id, record.state)
        self._check_budgets()

    def _check_budgets(self) -> None:
        if (trouble := self._budgets.exceeded()) is not None:
            self._ask_to_stop(trouble)

    def _ask_to_stop(self, trouble: str) -> None:
        self._stop.request_stop(StopReason(trouble, ExitCode.STOPPED_EARLY))


class _Slot:
    """A place in the gate that is given up once, however often that is said."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._is_held = True

    def give_up(self) -> None:
        if self._is_held:
            self._is_held = False
            self._leave()


def _note_end(journal: Journal, ending: Ending, clock: Clock) -> None:
    """Say in the journal how this start ended, where it can still be written."""
    why = {} if ending.stopped is None else {"stopped": ending.stopped.text}
    try:
        journal.tell("ended", clock.now(), exit_code=int(ending.exit_code), counts=ending.counts, **why)
        journal.end("finished" if ending.stopped is None else "stopped", ending.exit_code)
    except (LocalDisk, Locked):  # the ending tells the first error, which is the one to know
        return
