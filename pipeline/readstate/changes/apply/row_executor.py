"""Carry out the rows of one user: read, decide, keep the intent, send, understand the answer, read back in doubt."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import msgspec

from readstate.changes.apply.budgets import WriteBreaker
from readstate.changes.apply.keyed_limit import KeyedLimit
from readstate.changes.apply.send import Repetitions, request_for, send
from readstate.changes.apply.work_queue import UserRows
from readstate.changes.current_state.plan_rows import Observation, read_rows
from readstate.changes.rules.preconditions import Go, Sending, SetFields, judge
from readstate.changes.rules.settle import (
    Again,
    Answered,
    CheckAgain,
    Doubt,
    Late,
    Lost,
    NeverSent,
    ReadBack,
    Settled,
    StopRun,
    after_answer,
    after_reading,
    standing,
    unsent,
)
from readstate.changes.runs.group_commit import JournalThread
from readstate.changes.runs.journal import Attempt
from readstate.changes.runs.row_record import INTENT, PENDING, RowRecord, micros
from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import NotPermitted, ReadstateError
from readstate.events import Observer, OutcomeUnknown, RowFailed, RowSettled
from readstate.model.membership import Present
from readstate.model.outcome import By, Outcome
from readstate.model.plan import PlanRow
from readstate.stop import StopSwitch
from readstate.twilio.client import Writer

_ROWS_PER_READING = 10
"""More would save requests, and let the last row be written long after it was read."""
_PER_USER = 2
_PER_CONVERSATION = 4
_MOST_AMBIGUOUS = 6
_MOST_UNSENT = 20
_FAILURES = {Outcome.REJECTED, Outcome.MISMATCH, Outcome.UNKNOWN}

MoreRoom = Callable[[], None]
"""Says that a row only waits from now on, so that another may begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierOptions:
    """How careful to be with one row."""

    max_precondition_age_seconds: float = 5.0
    settle_seconds: tuple[float, ...] = (2.0, 5.0, 10.0, 30.0)
    """The pauses before each reading of a row whose outcome is unknown."""


class Carrier:
    """Carries rows out, one user at a time; knows nothing of budgets or phases."""

    def __init__(
        self,
        *,
        writer: Writer,
        service_sid: str,
        journal: JournalThread,
        options: CarrierOptions,
        clock: Clock,
        stop: StopSwitch,
        breaker: WriteBreaker,
        repetitions: Repetitions,
        emit: Observer,
        settled: Callable[[PlanRow, RowRecord], None],
    ) -> None:
        self._writer = writer
        self._service_sid = service_sid
        self._journal = journal
        self._options = options
        self._clock = clock
        self._stop = stop
        self._breaker = breaker
        self._repetitions = repetitions
        self._emit = emit
        self._settled = settled
        self._conversations = KeyedLimit(_PER_CONVERSATION)

    async def carry_out(
        self,
        user: UserRows,
        records: Mapping[int, RowRecord],
        *,
        is_verified: Callable[[PlanRow], bool],
        may_begin: Callable[[], Awaitable[bool]],
        more_room: MoreRoom,
    ) -> None:
        """Bring every row of *user* to its outcome; *records* holds what earlier attempts have left.

        Asks *may_begin* before each row, and ends where it says no.
        Raises `LocalDisk`, `Locked`, `NotPermitted`, `StoppedEarly`.
        """
        for begin in range(0, len(user.rows), _ROWS_PER_READING):
            if not await may_begin():
                return
            rows = user.rows[begin : begin + _ROWS_PER_READING]
            seen = await self._read(rows)

            async def one(row: PlanRow, seen: Mapping[int, Observation] = seen) -> None:
                record = records.get(row.plan_row_id) or RowRecord(plan_row_id=row.plan_row_id)
                if await may_begin():
                    await self._row(row, record, seen[row.plan_row_id], verify=is_verified(row), more_room=more_room)

            if len(rows) == 1:
                await one(rows[0])
            else:
                async with bounded_map(one, rows, limit=_PER_USER) as finished:
                    async for _ in finished:
                        pass

    async def resolve(self, row: PlanRow, record: RowRecord) -> None:
        """Read back *row*, which may have been sent by an earlier start of this run, and send nothing."""
        record.epoch = self._journal.journal.epoch
        record.retries_ambiguous = max(1, record.retries_ambiguous)
        since = record.intent_at if record.intent_at is not None else 0
        passed = max(0.0, (micros(self._clock.now()) - since) / 1e6)
        pauses, gone = list[float](), 0.0
        for pause in self._options.settle_seconds:
            gone += pause
            if gone > passed:
                pauses.append(gone - max(passed, gone - pause))
        await self._read_back(row, record, Doubt.OUTCOME, pauses=pauses or [0.0])

    async def _row(
        self, row: PlanRow, record: RowRecord, seen: Observation, *, verify: bool, more_room: MoreRoom
    ) -> None:
        """Bring *row* to its outcome, or leave it pending where the run stops first."""
        record.epoch = self._journal.journal.epoch
        tried = 0
        while True:
            if self._clock.monotonic() - seen.answered > self._options.max_precondition_age_seconds / 2:
                seen = (await self._read([row]))[row.plan_row_id]
            verdict = judge(row, seen.current)
            if not isinstance(verdict, Go):
                record.observe(seen.current, seen.at)
                record.reason_detail = getattr(verdict, "detail", None)
                self._finish(row, record, unsent(verdict, was_ambiguous=record.retries_ambiguous > 0))
                return
            after = await self._attempt(row, record, seen, verdict.sending)
            match after:
                case Settled(by=By.RESPONSE) if verify and after.outcome is Outcome.APPLIED:
                    again = await self._read_back(row, record, Doubt.NONE, more_room=more_room)
                case Settled():
                    self._finish(row, record, after)
                    return
                case ReadBack(doubt):
                    again = await self._read_back(row, record, doubt, more_room=more_room)
                case CheckAgain():
                    tried += after.why is not Again.LATE
                    again = await self._may_try_again(row, record, after, tried)
                case StopRun(message):
                    self._leave_pending(record)
                    raise NotPermitted(message, hint="Check the key and its permissions with: readstate doctor")
            if not again:
                return
            seen = (await self._read([row]))[row.plan_row_id]

    async def _attempt(
        self, row: PlanRow, record: RowRecord, seen: Observation, sending: Sending
    ) -> Settled | ReadBack | CheckAgain | StopRun:
        """Keep the intent, send once, keep what came of it, and say what it means."""
        assert isinstance(seen.current, Present)
        assert row.conversation_sid is not None
        leave_by = seen.answered + self._options.max_precondition_age_seconds
        request = request_for(self._service_sid, row, sending, leave_by=leave_by)
        was_ambiguous = record.retries_ambiguous > 0
        async with self._conversations.hold(row.conversation_sid):
            record.observe_before(seen.current, seen.at)
            self._intend(record, sending)
            await self._journal.intend(record)
            began, began_at = self._clock.monotonic(), micros(self._clock.now())
            try:
                answer, request_id = await send(self._writer, request)
            except ReadstateError:
                self._leave_pending(record)
                raise
        record.retries_429 += self._repetitions.take(request.path)
        after = after_answer(sending, answer, was_ambiguous=was_ambiguous, conflicts=record.conflicts)
        if isinstance(answer, Late | NeverSent):
            record.attempts -= 1
            return after
        now = self._clock.monotonic()
        record.first_sent_at = record.first_sent_at or began_at
        record.latency_ms = round(1000 * (now - began))
        record.race_window_ms = ceil(1000 * (now - seen.asked))
        self._note(record, answer, request_id, sent_at=began_at)
        is_ambiguous = after == ReadBack(Doubt.OUTCOME)
        self._breaker.note(now, is_ambiguous=is_ambiguous)
        if is_ambiguous:
            record.retries_ambiguous += 1
            self._emit(OutcomeUnknown(row.plan_row_id, _reason(answer), request_id))
        elif after == CheckAgain(Again.CONFLICT):
            record.conflicts += 1
        if isinstance(answer, Answered) and answer.shown is not None:
            record.observe(answer.shown, self._clock.now())
        return after

    async def _read_back(
        self,
        row: PlanRow,
        record: RowRecord,
        doubt: Doubt,
        *,
        more_room: MoreRoom | None = None,
        pauses: Sequence[float] | None = None,
    ) -> bool:
        """Read *row* until it is clear what became of it; True where it has to be tried again."""
        if pauses is None:
            pauses = self._options.settle_seconds if doubt is Doubt.OUTCOME else (0.0, *self._options.settle_seconds)
        for number, pause in enumerate(pauses, 1):
            if pause and more_room is not None:
                more_room()
            stopped = await self._pause(pause)
            seen = (await self._read([row]))[row.plan_row_id]
            record.observe(seen.current, seen.at)
            after = after_reading(doubt, standing(row, seen.current), is_last=number == len(pauses))
            match after:
                case Settled():
                    self._finish(row, record, after)
                    return False
                case CheckAgain() if record.retries_ambiguous < _MOST_AMBIGUOUS:
                    self._leave_pending(record)
                    return self._stop.reason() is None
                case CheckAgain():
                    self._finish(row, record, Settled(Outcome.REJECTED, None, "NOT_APPLIED"))
                    return False
                case None if stopped:
                    break
        if doubt is Doubt.NONE:
            # The answer had said that it is done; a run that stops does not wait to see it.
            self._finish(row, record, Settled(Outcome.APPLIED, By.RESPONSE, "NOT_VERIFIED"))
        else:
            record.state = Outcome.UNKNOWN
            self._journal.settle(record)
        return False

    async def _may_try_again(self, row: PlanRow, record: RowRecord, after: CheckAgain, times: int) -> bool:
        """Wait a little after an attempt without effect; False where the run stops, or there were too many."""
        self._leave_pending(record)
        if times >= _MOST_UNSENT:
            self._finish(row, record, Settled(Outcome.REJECTED, None, "NOT_SENT"))
            return False
        if after.why is Again.CONFLICT:
            await self._pause(2.0 ** (record.conflicts - 1) * (0.25 + 0.25 * self._clock.random()))
        return self._stop.reason() is None

    async def _pause(self, seconds: float) -> bool:
        """Wait, in steps, as long as nobody wants the run to stop; True where somebody does."""
        left = seconds
        while left > 0 and self._stop.reason() is None:
            step = min(left, 0.25)
            await self._clock.sleep(step)
            left -= step
        return self._stop.reason() is not None

    async def _read(self, rows: Sequence[PlanRow]) -> Mapping[int, Observation]:
        return await read_rows(self._writer, self._service_sid, rows, self._clock)

    def _intend(self, record: RowRecord, sending: Sending) -> None:
        record.state = INTENT
        record.attempts += 1
        record.intent_at = micros(self._clock.now())
        record.outcome_by = record.reason_code = record.reason_detail = record.settled_at = None
        record.http_status = record.twilio_code = record.twilio_message = record.request_id = None
        if isinstance(sending, SetFields):
            read_at = sending.last_read_timestamp
            record.sent_index = sending.last_read_message_index
            record.sent_timestamp = None if read_at is None else micros(read_at)
            record.sent_level = sending.notification_level

    def _note(self, record: RowRecord, answer: Answered | Lost, request_id: str | None, *, sent_at: int) -> None:
        """Write down an attempt; one that succeeds at once is told by its row alone."""
        record.request_id = request_id
        if isinstance(answer, Answered):
            record.http_status, record.twilio_code = answer.status, answer.code
            record.twilio_message = answer.message
            if answer.status < 300 and record.attempts == 1:
                return
        attempt = Attempt(
            plan_row_id=record.plan_row_id,
            attempt=record.attempts,
            epoch=record.epoch,
            sent_at=sent_at,
            ended_at=micros(self._clock.now()),
            kind=type(answer).__name__,
            http=record.http_status,
            tw_code=record.twilio_code,
            request_id=request_id,
        )
        self._journal.settle(msgspec.structs.replace(record), attempt)

    def _leave_pending(self, record: RowRecord) -> None:
        record.state = PENDING
        self._journal.settle(record)

    def _finish(self, row: PlanRow, record: RowRecord, settled: Settled) -> None:
        record.settle(settled.outcome, self._clock.now(), by=settled.by, reason=settled.reason)
        self._journal.settle(record)
        self._emit(RowSettled(row.plan_row_id, record.state, record.outcome_by, record.reason_code, record.request_id))
        if settled.outcome in _FAILURES:
            why = record.twilio_message or record.reason_detail or record.reason_code
            self._emit(RowFailed(row.plan_row_id, record.state, why, record.request_id))
        self._settled(row, record)


def _reason(answer: Answered | Lost) -> str:
    return answer.reason if isinstance(answer, Lost) else f"status {answer.status}"
