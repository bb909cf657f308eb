"""What an answer to a write means for its row, and what a later reading means where no answer told enough. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from readstate.changes.rules.preconditions import (
    Already,
    Drifted,
    Missing,
    RemoveMember,
    Sending,
    SetFields,
    Unclear,
    at_target,
    not_as_before,
    timestamp_unknown,
)
from readstate.model.change import Direction, Fields, PreconditionKind
from readstate.model.membership import Absent, Current, Present, Unreadable
from readstate.model.outcome import By, Outcome
from readstate.model.plan import PlanRow

MOST_CONFLICTS = 3
_TRANSIENT = {408, 500, 502, 503, 504}
_WRONG_FOR_ALL = {70051, 50385}
"""403 that no other row would escape: the key may not do this; Conversations do not exist in this region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer to a write, of any status."""

    status: int
    code: int | None = None
    message: str | None = None
    shown: Present | None = None
    """The membership as the answer shows it; None where it shows none, or cannot be understood."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The write left, and no answer came."""

    reason: str


@dataclass(frozen=True, slots=True)
class NeverSent:
    """The write certainly did not leave: there was no connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class Late:
    """The write was held back: its turn came when what had been read before it was too old."""


Answer = Answered | Lost | NeverSent | Late


class Doubt(StrEnum):
    """Why a row is read back."""

    NONE = "verify"
    """The answer said that it is done; we look anyway."""
    BODY = "suspicious"
    """Accepted, and the answer does not show our value."""
    OUTCOME = "ambiguous"
    """Nobody knows whether the write had its effect."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The row has its outcome."""

    outcome: Outcome
    by: By | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Only a reading can tell."""

    doubt: Doubt


class Again(StrEnum):
    """Why a write had no effect."""

    LATE = "late"
    THROTTLED = "throttled"
    NOT_SENT = "not sent"
    CONFLICT = "conflict"
    NOT_APPLIED = "not applied"


@dataclass(frozen=True, slots=True)
class CheckAgain:
    """The write had no effect: read the row once more and decide anew."""

    why: Again


@dataclass(frozen=True, slots=True)
class StopRun:
    """No other row can fare better: stop, the row was not changed."""

    message: str


AfterAnswer = Settled | ReadBack | CheckAgain | StopRun
AfterReading = Settled | CheckAgain | None


def after_answer(sending: Sending, answer: Answer, *, was_ambiguous: bool = False, conflicts: int = 0) -> AfterAnswer:
    """Say what becomes of a row whose write *sending* got *answer*.

    *was_ambiguous*: an earlier attempt on this row may have had its effect. *conflicts*: how often it was refused
    because of a concurrent change.
    """
    match answer:
        case Late():
            return CheckAgain(Again.LATE)
        case NeverSent():
            return CheckAgain(Again.NOT_SENT)
        case Lost():
            return ReadBack(Doubt.OUTCOME)
        case Answered(status=status) if 200 <= status < 300:
            return _after_success(sending, answer)
        case Answered(status=429):
            return CheckAgain(Again.THROTTLED)
        case Answered(status=409) if conflicts < MOST_CONFLICTS:
            return CheckAgain(Again.CONFLICT)
        case Answered(status=404):
            return _after_not_found(sending, was_ambiguous=was_ambiguous)
        case Answered(status=401) | Answered(status=403, code=20003):
            return StopRun(_said(answer))
        case Answered(status=403, code=code) if code in _WRONG_FOR_ALL:
            return StopRun(_said(answer))
        case Answered(status=status) if 400 <= status < 500 and status not in _TRANSIENT:
            return Settled(Outcome.REJECTED, By.RESPONSE, f"HTTP_{status}")
        case _:
            return ReadBack(Doubt.OUTCOME)


def unsent(verdict: Already | Drifted | Missing | Unclear, *, was_ambiguous: bool) -> Settled:
    """Say what becomes of a row for which nothing is sent (any more).

    *was_ambiguous*: an earlier attempt on it may have had its effect, perhaps after it was read back.
    """
    match verdict:
        case Already(reason="ALREADY_FURTHER") if was_ambiguous:
            return Settled(Outcome.SUPERSEDED, By.READBACK, "BEYOND")
        case Already() if was_ambiguous:
            return Settled(Outcome.APPLIED, By.READBACK)
        case Already(reason):
            return Settled(Outcome.CONVERGED, By.ALREADY, reason)
        case Drifted(reason):
            return Settled(Outcome.SUPERSEDED if was_ambiguous else Outcome.DRIFTED, None, reason)
        case Missing():
            return Settled(Outcome.NOT_FOUND, None, "NOT_A_MEMBER")
        case Unclear():
            return Settled(Outcome.UNKNOWN if was_ambiguous else Outcome.REJECTED, None, "UNREADABLE")


class Standing(StrEnum):
    """Where a membership stands between what it was and what a row wants it to be."""

    AT_TARGET = "at_target"
    AT_BEFORE = "at_before"
    BEYOND = "beyond"
    """The horizon lies even further: somebody read on."""
    ELSEWHERE = "elsewhere"
    GONE = "gone"
    UNREADABLE = "unreadable"


def standing(row: PlanRow, current: Current) -> Standing:
    """Say where *current* stands for *row*, an update or a removal."""
    match current:
        case Unreadable():
            return Standing.UNREADABLE
        case Absent():
            return Standing.AT_TARGET if row.pre_kind == PreconditionKind.MEMBER else Standing.GONE
        case Present() if row.pre_participant_sid is not None and current.participant_sid is None:
            return Standing.UNREADABLE
        case Present() if current.participant_sid != row.pre_participant_sid and row.pre_participant_sid is not None:
            return Standing.ELSEWHERE
        case Present() if row.pre_kind == PreconditionKind.MEMBER:
            return Standing.AT_BEFORE
        case Present() if timestamp_unknown(row, current) is not None:
            return Standing.UNREADABLE
        case Present():
            return _standing_of_fields(row, current)


def after_reading(doubt: Doubt, where: Standing, *, is_last: bool) -> AfterReading:
    """Say what a reading means; None: read again, *is_last* forbids that.

    What was never certain to have happened and is not there may still come: only the last reading can say no.
    """
    match where:
        case Standing.AT_TARGET:
            return Settled(Outcome.APPLIED, By.READBACK)
        case Standing.UNREADABLE:
            return _unread(doubt) if is_last else None
        case _ if doubt is Doubt.OUTCOME:
            return _after_ambiguity(where, is_last=is_last)
        case Standing.BEYOND:
            return Settled(Outcome.APPLIED, By.READBACK, "READ_ON_SINCE")
        case Standing.GONE:
            return Settled(Outcome.APPLIED, By.RESPONSE, "LEFT_SINCE") if is_last else None
        case _:
            return Settled(Outcome.MISMATCH, By.READBACK, where.value.upper()) if is_last else None


def _after_success(sending: Sending, answer: Answered) -> AfterAnswer:
    match sending:
        case RemoveMember():
            return Settled(Outcome.APPLIED, By.RESPONSE)
        case SetFields() if answer.shown is not None and _shows(sending, answer.shown):
            return Settled(Outcome.APPLIED, By.RESPONSE)
        case _:
            return ReadBack(Doubt.BODY)


def _after_not_found(sending: Sending, *, was_ambiguous: bool) -> Settled:
    match sending:
        case RemoveMember() if was_ambiguous:
            return Settled(Outcome.APPLIED, By.NOT_FOUND_AFTER_AMBIGUOUS)
        case RemoveMember():
            return Settled(Outcome.CONVERGED, By.ALREADY, "ALREADY_GONE")
        case _:
            return Settled(Outcome.NOT_FOUND, By.RESPONSE, "HTTP_404")


def _after_ambiguity(where: Standing, *, is_last: bool) -> AfterReading:
    match where:
        case Standing.AT_BEFORE:
            return CheckAgain(Again.NOT_APPLIED) if is_last else None
        case Standing.GONE:
            return Settled(Outcome.NOT_FOUND, By.READBACK, "LEFT_SINCE")
        case _:
            return Settled(Outcome.SUPERSEDED, By.READBACK, where.value.upper())


def _unread(doubt: Doubt) -> Settled:
    if doubt is Doubt.NONE:
        return Settled(Outcome.APPLIED, By.RESPONSE, "NOT_VERIFIED")
    return Settled(Outcome.UNKNOWN, None, "UNREADABLE")


def _standing_of_fields(row: PlanRow, current: Present) -> Standing:
    if at_target(row, current):
        return Standing.AT_TARGET
    target, horizon = row.set_index, current.last_read_message_index
    if row.pre_kind == PreconditionKind.ADVANCE and target is not None:
        return Standing.AT_BEFORE if horizon is None or horizon < target else Standing.BEYOND
    if not not_as_before(row, current):
        return Standing.AT_BEFORE
    forward = row.direction in {Direction.ADVANCE, Direction.FIRST_SET}
    if row.fields_mask == Fields.INDEX and forward and horizon is not None and target is not None and horizon > target:
        return Standing.BEYOND
    return Standing.ELSEWHERE


def _shows(sending: SetFields, shown: Present) -> bool:
    """Whether an answer shows what was sent, as far as it can: it never shows a timestamp."""
    return (
        sending.last_read_message_index in {None, shown.last_read_message_index}
        and sending.notification_level in {None, shown.notification_level}
    )  # fmt: skip


def _said(answer: Answered) -> str:
    number = f", code {answer.code}" if answer.code is not None else ""
    return f"Twilio refused a change with {answer.status}{number}: {answer.message or 'no explanation'}"
