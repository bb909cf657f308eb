"""The journal's record of one row of the plan, from the first intent to the outcome."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from readstate.model.membership import Current, Present, Unknown
from readstate.model.outcome import Outcome, OutcomeSource

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

PENDING = "pending"
"""The state of a row that was touched and may be sent (again) after it has been read."""
INTENT = "intent"
"""The state of a row that may have been sent: only a read-back can show whether it was, and with what effect."""
_STATES = {PENDING, INTENT, *Outcome} - {Outcome.NOT_PLANNED}

Micros = Annotated[int, msgspec.Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
"""Microseconds since 1970, from the year 1 to 9999: others are no date."""
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
"""What a column of the results holds."""


class RowRecord(msgspec.Struct, kw_only=True, array_like=True):
    """One row's line in the journal; times are microseconds since 1970, so that SQLite and Arrow take them as they are.

    A field is a column of the journal's table ``row``.
    """

    plan_row_id: int
    state: str = PENDING
    """`PENDING`, `INTENT`, or an `Outcome`."""
    epoch: int = 0
    outcome_by: str | None = None
    reason_code: str | None = None
    reason_detail: str | None = None
    attempts: Int32 = 0
    conflicts: Int32 = 0
    """Attempts that Twilio refused because something else changed the same thing at that moment."""
    retries_429: Int32 = 0
    retries_ambiguous: Int32 = 0
    """Attempts whose effect was unknown at first."""
    before_index: int | None = None
    """Right before our write, as the preflight read saw it; the next two as well."""
    before_timestamp: Micros | None = None
    before_level: str | None = None
    sent_index: int | None = None
    sent_timestamp: Micros | None = None
    sent_level: str | None = None
    observed_index: int | None = None
    observed_timestamp: Micros | None = None
    observed_level: str | None = None
    observed_at: Micros | None = None
    http_status: Int32 | None = None
    twilio_code: Int32 | None = None
    twilio_message: str | None = None
    request_id: str | None = None
    intent_at: Micros | None = None
    first_sent_at: Micros | None = None
    settled_at: Micros | None = None
    latency_ms: int | None = None
    race_window_ms: int | None = None
    """From the preflight's asking to the write's answer: only in it may others have changed what we then overwrote."""

    def observe(self, current: Current, at: datetime) -> None:
        """Record what was seen last."""
        if not isinstance(current, Present):
            return
        self.observed_index, self.observed_timestamp, self.observed_level = _values(current)
        self.observed_at = micros(at)

    def observe_before(self, current: Present, at: datetime) -> None:
        """Record what was seen right before a write."""
        self.before_index, self.before_timestamp, self.before_level = _values(current)
        self.observe(current, at)

    def settle(
        self, outcome: str, at: datetime, *, source: OutcomeSource | None = None, reason: str | None = None
    ) -> None:
        self.state, self.outcome_by, self.settled_at = outcome, source, micros(at)
        self.reason_code = reason


FIELDS: tuple[str, ...] = RowRecord.__struct_fields__


def micros(moment: datetime) -> int:
    """Return *moment* in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """Return the moment of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def from_row(row: tuple[Any, ...]) -> RowRecord:
    """Return the record of *row*, whose values are in the order of `FIELDS`. Raise `msgspec.ValidationError`."""
    record = msgspec.convert(row, RowRecord)
    require_known_state(record.state)
    return record


def require_known_state(state: str) -> None:
    """Raise `msgspec.ValidationError` for a state that no row can have in a journal."""
    if state not in _STATES:
        raise msgspec.ValidationError(f"{state!r} is no state of a row")


def _values(current: Present) -> tuple[int | None, int | None, str | None]:
    read_at = current.last_read_timestamp
    known = read_at is not None and not isinstance(read_at, Unknown)
    return current.last_read_message_index, micros(read_at) if known else None, current.notification_level  # type: ignore[arg-type]
