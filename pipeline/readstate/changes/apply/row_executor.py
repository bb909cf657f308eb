"""Carry out the rows of one user: read, decide, commit the intent, send, interpret the answer, read back if unclear."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import ceil

import msgspec

from readstate.changes.apply.circuit_breaker import WriteBreaker
from readstate.changes.apply.keyed_limit import KeyedLimit
from readstate.changes.apply.options import ApplyDependencies, RowOptions
from readstate.changes.apply.send import request_for, send
from readstate.changes.current_state.plan_rows import Observation, read_rows
from readstate.changes.rules.answers import (
    Abort,
    AfterAnswer,
    Answered,
    Late,
    Lost,
    NeverSent,
    ReadBack,
    ReadBackReason,
    Retry,
    RetryReason,
    Settled,
    after_answer,
    outcome_without_write,
)
from readstate.changes.rules.preconditions import Ready, check_precondition, row_state
from readstate.changes.rules.readback import after_read_back
from readstate.changes.runs.group_commit import JournalWriter
from readstate.changes.runs.journal_entries import Attempt
from readstate.changes.runs.row_record import INTENT, PENDING, RowRecord, micros
from readstate.concurrency import bounded_map
from readstate.errors import NotPermitted, ReadstateError
from readstate.events import OutcomeUnknown, RowFailed, RowSettled
from readstate.model.membership import Present
from readstate.model.outcome import ERRORS, Outcome, OutcomeSource
from readstate.model.plan import PlanRow

_ROWS_PER_READ = 10
"""More would save requests, and let the last row be written long after it was read."""
_ROWS_AT_ONCE_PER_USER = 2
_WRITES_AT_ONCE_PER_CONVERSATION = 4
_MAX_AMBIGUOUS_ATTEMPTS = 6
_MAX_ATTEMPTS_WITHOUT_EFFECT = 20
_PAUSE_STEP_SECONDS = 0.25

ReleaseEarly = Callable[[], None]
"""Releases the slot of a row early: from here on it mostly sleeps between read-backs, and another row may begin."""


class RowExecutor:
    """Executes rows, one user at a time; knows nothing of budgets or phases."""

    def __init__(
        self,
        *,
        service_sid: str,
        journal: JournalWriter,
        options: RowOptions,
        context: ApplyDependencies,
        breaker: WriteBreaker,
        on_settled: Callable[[PlanRow, RowRecord], None],
    ) -> None:
        self._writer = context.writer
        self._service_sid = service_sid
        self._journal = journal
        self._options = options
        self._clock = context.clock
        self._stop = context.stop
        self._breaker = breaker
        self._emit = context.emit
        self._on_settled = on_settled
        self._conversations = KeyedLimit(_WRITES_AT_ONCE_PER_CONVERSATION)

    async def execute_user(
        self,
        rows: Sequence[PlanRow],
        records: Mapping[int, RowRecord],
        *,
        is_verified: Callable[[PlanRow], bool],
        wait_until_open: Callable[[], Awaitable[bool]],
        release_early: ReleaseEarly,
    ) -> None:
        """Bring *rows*, all of one user, to their outcomes; *records* holds what earlier attempts have left.

        Awaits *wait_until_open* before each row, and ends where it returns False.
        Raise `LocalDisk`, `Locked`, `NotPermitted`, `StoppedEarly`.
        """
        for begin in range(0, len(rows), _ROWS_PER_READ):
            if not await wait_until_open():
                return
            part = rows[begin : begin + _ROWS_PER_READ]
            seen = await self._read(part)

            async def one(row: PlanRow, seen: Mapping[int, Observation] = seen) -> None:
                record = records.get(row.plan_row_id) or RowRecord(plan_row_id=row.plan_row_id)
                verify = is_verified(row)
                if await wait_until_open():
                    await self._execute_row(row, record, seen[row.plan_row_id], release_early, verify=verify)

            if len(part) == 1:
                await one(part[0])
            else:
                async with bounded_map(one, part, limit=_ROWS_AT_ONCE_PER_USER) as finished:
                    async for _ in finished:
                        pass

    async def resolve(self, row: PlanRow, record: RowRecord) -> None:
        """Read back *row*, which an earlier start of this run may have sent; send nothing."""
        record.epoch = self._journal.journal.epoch
        record.retries_ambiguous = max(1, record.retries_ambiguous)
        since = record.intent_at if record.intent_at is not None else 0
        passed = max(0.0, (micros(self._clock.now()) - since) / 1e6)
        # The delays count from the intent: those that have passed while no process ran are not waited for again.
        delays, end = list[float](), 0.0
        for delay in self._options.readback_delays:
            end += delay
            if end > passed:
                delays.append(end - max(passed, end - delay))
        await self._read_back(row, record, ReadBackReason.UNKNOWN_OUTCOME, delays=delays or [0.0])

    async def _execute_row(
        self, row: PlanRow, record: RowRecord, seen: Observation, release_early: ReleaseEarly, *, verify: bool
    ) -> None:
        """Bring *row* to its outcome, or leave it pending where the run stops first.

        Each turn of the loop is one attempt: check what was read, write, and find out what came of it. It ends when
        the row is settled; otherwise the write certainly had no effect (429, conflict, no connection, too late, or
        read back as it was before), and the next attempt begins with a new read, because what was read before the
        write is old by then. Nothing is ever written again before a read-back has ruled out that the first write
        had its effect.
        """
        record.epoch = self._journal.journal.epoch
        attempts_without_effect = 0
        while True:
            # With half of the time used up, the write would often be too late in the queue: a read costs less.
            if self._clock.monotonic() - seen.answered > self._options.max_precondition_age_seconds / 2:
                seen = (await self._read([row]))[row.plan_row_id]
            check = check_precondition(row, seen.current)
            if not isinstance(check, Ready):
                record.observe(seen.current, seen.at)
                record.reason_detail = getattr(check, "detail", None)
                self._finish(row, record, outcome_without_write(check, was_ambiguous=record.retries_ambiguous > 0))
                return
            after = await self._attempt(row, record, seen)
            match after:
                case Settled(Outcome.APPLIED, OutcomeSource.RESPONSE) if verify:
                    again = await self._read_back(row, record, ReadBackReason.VERIFY, release_early=release_early)
                case Settled():
                    self._finish(row, record, after)
                    return
                case ReadBack(why):
                    again = await self._read_back(row, record, why, release_early=release_early)
                case Retry():
                    attempts_without_effect += after.reason is not RetryReason.LATE
                    again = await self._should_retry(row, record, after, attempts_without_effect)
                case Abort(message):
                    self._mark_pending(record)
                    raise NotPermitted(message, hint="Check the key and its permissions with: readstate doctor")
            if not again:
                return
            seen = (await self._read([row]))[row.plan_row_id]

    async def _attempt(self, row: PlanRow, record: RowRecord, seen: Observation) -> AfterAnswer:
        """Commit the intent, send once, record the answer, and return what follows from it."""
        assert isinstance(seen.current, Present)
        assert row.conversation_sid is not None
        leave_by = seen.answered + self._options.max_precondition_age_seconds
        request = request_for(self._service_sid, row, leave_by=leave_by)
        was_ambiguous = record.retries_ambiguous > 0
        # Held before the intent is committed: a row that waits for its conversation is certainly not sent yet.
        async with self._conversations.of(row.conversation_sid):
            record.observe_before(seen.current, seen.at)
            self._intend(row, record)
            await self._journal.intend(record)
            began, began_at = self._clock.monotonic(), micros(self._clock.now())
            try:
                sent = await send(self._writer, request)
            except ReadstateError:
                self._mark_pending(record)
                raise
        answer = sent.answer
        record.retries_429 += sent.throttled
        after = after_answer(row, answer, was_ambiguous=was_ambiguous, conflicts=record.conflicts)
        if isinstance(answer, Late | NeverSent):
            record.attempts -= 1  # nothing was sent
            return after
        now = self._clock.monotonic()
        record.first_sent_at = record.first_sent_at or began_at
        record.latency_ms = round(1000 * (now - began))
        # From the request of the read, not from its answer: Twilio may have looked at any moment between the two.
        record.race_window_ms = ceil(1000 * (now - seen.asked))
        self._record_attempt(record, answer, sent.request_id, sent_at=began_at)
        is_ambiguous = after == ReadBack(ReadBackReason.UNKNOWN_OUTCOME)
        self._breaker.record(now, is_ambiguous=is_ambiguous)
        if is_ambiguous:
            record.retries_ambiguous += 1
            reason = answer.reason if isinstance(answer, Lost) else f"status {answer.status}"
            self._emit(OutcomeUnknown(row.plan_row_id, reason, sent.request_id))
        elif after == Retry(RetryReason.CONFLICT):
            record.conflicts += 1
        if isinstance(answer, Answered) and answer.shown is not None:
            record.observe(answer.shown, self._clock.now())
        return after

    async def _read_back(
        self,
        row: PlanRow,
        record: RowRecord,
        why: ReadBackReason,
        *,
        release_early: ReleaseEarly | None = None,
        delays: Sequence[float] | None = None,
    ) -> bool:
        """Read *row* until its outcome is clear. Return True where it has to be tried again."""
        if delays is None:
            delays = self._options.readback_delays
            if why is not ReadBackReason.UNKNOWN_OUTCOME:
                delays = (0.0, *delays)
        for number, delay in enumerate(delays, 1):
            if delay and release_early is not None:
                release_early()
            stopped = await self._pause(delay)
            seen = (await self._read([row]))[row.plan_row_id]
            record.observe(seen.current, seen.at)
            after = after_read_back(why, row_state(row, seen.current), is_last=number == len(delays))
            match after:
                case Settled():
                    self._finish(row, record, after)
                    return False
                case Retry() if record.retries_ambiguous < _MAX_AMBIGUOUS_ATTEMPTS:
                    self._mark_pending(record)
                    return self._stop.reason() is None
                case Retry():
                    self._finish(row, record, Settled(Outcome.REJECTED, None, "NOT_APPLIED"))
                    return False
                case None if stopped:
                    break
        if why is ReadBackReason.VERIFY:
            # Twilio had answered that it is done; a run that stops does not wait to see it.
            self._finish(row, record, Settled(Outcome.APPLIED, OutcomeSource.RESPONSE, "NOT_VERIFIED"))
        else:
            record.state = Outcome.UNKNOWN
            self._journal.settle(record)
        return False

    async def _should_retry(self, row: PlanRow, record: RowRecord, retry: Retry, attempts: int) -> bool:
        """Wait after a conflict. Return False where the run stops, or after too many *attempts* without effect."""
        self._mark_pending(record)
        if attempts >= _MAX_ATTEMPTS_WITHOUT_EFFECT:
            self._finish(row, record, Settled(Outcome.REJECTED, None, "NOT_SENT"))
            return False
        if retry.reason is RetryReason.CONFLICT:
            await self._pause(2.0 ** (record.conflicts - 1) * (0.25 + 0.25 * self._clock.random()))
        return self._stop.reason() is None

    async def _pause(self, seconds: float) -> bool:
        """Wait in steps until the run is to stop. Return True where it is to stop."""
        left = seconds
        while left > 0 and self._stop.reason() is None:
            step = min(left, _PAUSE_STEP_SECONDS)
            await self._clock.sleep(step)
            left -= step
        return self._stop.reason() is not None

    async def _read(self, rows: Sequence[PlanRow]) -> Mapping[int, Observation]:
        return await read_rows(self._writer, self._service_sid, rows, self._clock)

    def _intend(self, row: PlanRow, record: RowRecord) -> None:
        record.state = INTENT
        record.attempts += 1
        record.intent_at = micros(self._clock.now())
        record.outcome_by = record.reason_code = record.reason_detail = record.settled_at = None
        record.http_status = record.twilio_code = record.twilio_message = record.request_id = None
        record.sent_index, record.sent_level = row.set_index, row.set_level
        record.sent_timestamp = None if row.set_timestamp is None else micros(row.set_timestamp)

    def _record_attempt(
        self, record: RowRecord, answer: Answered | Lost, request_id: str | None, *, sent_at: int
    ) -> None:
        """Record an attempt in its own table, unless it is the first one and succeeded: the row has that already."""
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

    def _mark_pending(self, record: RowRecord) -> None:
        record.state = PENDING
        self._journal.settle(record)

    def _finish(self, row: PlanRow, record: RowRecord, settled: Settled) -> None:
        record.settle(settled.outcome, self._clock.now(), source=settled.source, reason=settled.reason)
        self._journal.settle(record)
        self._emit(RowSettled(row.plan_row_id, record.state, record.outcome_by, record.reason_code, record.request_id))
        if settled.outcome in ERRORS:
            why = record.twilio_message or record.reason_detail or record.reason_code
            self._emit(RowFailed(row.plan_row_id, record.state, why, record.request_id))
        self._on_settled(row, record)
