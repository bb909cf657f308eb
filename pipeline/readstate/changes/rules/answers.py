"""What the answer to a write means for its row. Pure."""

from enum import StrEnum

from msgspec import Struct

from readstate.changes.rules.preconditions import Drifted, Gone, Satisfied, is_removal
from readstate.model.membership import Present, Unreadable
from readstate.model.outcome import Outcome, OutcomeSource
from readstate.model.plan import PlanRow

MAX_CONFLICTS = 3
_TRANSIENT = {408, 500, 502, 503, 504}
_WRONG_FOR_ALL = {70051, 50385}
"""403 that no other row would escape: the key may not do this; Conversations do not exist in this region."""


class Answered(Struct, frozen=True, kw_only=True):
    """An answer to a write, of any status."""

    status: int
    code: int | None = None
    message: str | None = None
    shown: Present | None = None
    """The membership as the answer shows it; None where it shows none, or cannot be decoded."""


class Lost(Struct, frozen=True):
    """The write was sent, and no answer came."""

    reason: str


class NeverSent(Struct, frozen=True):
    """The write certainly was not sent: there was no connection."""

    reason: str


class Late(Struct, frozen=True):
    """The write was not sent: when its turn came, the read before it was too old."""


Answer = Answered | Lost | NeverSent | Late


class ReadBackReason(StrEnum):
    """Why a row is read back."""

    VERIFY = "verify"
    """The answer said that the change was made; a sample of such rows is checked."""
    UNEXPECTED_BODY = "suspicious"
    """Twilio accepted the change, and the answer does not show our value."""
    UNKNOWN_OUTCOME = "ambiguous"
    """The write may or may not have had its effect."""


class RetryReason(StrEnum):
    """Why a write had no effect."""

    LATE = "late"
    THROTTLED = "throttled"
    NOT_SENT = "not sent"
    CONFLICT = "conflict"
    NOT_APPLIED = "not applied"


class Settled(Struct, frozen=True):
    """The row has its outcome."""

    outcome: Outcome
    source: OutcomeSource | None = None
    reason: str | None = None


class ReadBack(Struct, frozen=True):
    """Reading the row again has to show what the write did."""

    reason: ReadBackReason


class Retry(Struct, frozen=True):
    """The write had no effect: read the row once more and decide again."""

    reason: RetryReason


class Abort(Struct, frozen=True):
    """Every other row would get the same refusal: stop the run; this row was not changed."""

    message: str


AfterAnswer = Settled | ReadBack | Retry | Abort


def after_answer(row: PlanRow, answer: Answer, *, was_ambiguous: bool = False, conflicts: int = 0) -> AfterAnswer:
    """Return what follows from *answer* to the write of *row*.

    *was_ambiguous*: an earlier attempt on this row may have had its effect. *conflicts*: how often it was refused
    because of a concurrent change.
    """
    match answer:
        case Late():
            return Retry(RetryReason.LATE)
        case NeverSent():
            return Retry(RetryReason.NOT_SENT)
        case Lost():
            return ReadBack(ReadBackReason.UNKNOWN_OUTCOME)
        case Answered(status=status) if 200 <= status < 300:
            return _after_success(row, answer)
        # A 429 was never processed (Twilio, error 20429).
        case Answered(status=429):
            return Retry(RetryReason.THROTTLED)
        case Answered(status=409) if conflicts < MAX_CONFLICTS:
            return Retry(RetryReason.CONFLICT)
        case Answered(status=404):
            return _after_not_found(row, was_ambiguous=was_ambiguous)
        case Answered(status=401) | Answered(status=403, code=20003):
            return Abort(_refusal(answer))
        case Answered(status=403, code=code) if code in _WRONG_FOR_ALL:
            return Abort(_refusal(answer))
        case Answered(status=status) if 400 <= status < 500 and status not in _TRANSIENT:
            return Settled(Outcome.REJECTED, OutcomeSource.RESPONSE, f"HTTP_{status}")
        case _:
            return ReadBack(ReadBackReason.UNKNOWN_OUTCOME)


def outcome_without_write(check: Satisfied | Drifted | Gone | Unreadable, *, was_ambiguous: bool) -> Settled:
    """Return the outcome of a row for which nothing is sent, because of *check*.

    *was_ambiguous*: an earlier attempt on it may have had its effect, perhaps after it was read back.
    """
    match check:
        case Satisfied(reason="ALREADY_FURTHER") if was_ambiguous:
            return Settled(Outcome.SUPERSEDED, OutcomeSource.READBACK, "BEYOND")
        case Satisfied() if was_ambiguous:
            return Settled(Outcome.APPLIED, OutcomeSource.READBACK)
        case Satisfied(reason):
            return Settled(Outcome.CONVERGED, OutcomeSource.ALREADY, reason)
        case Drifted(reason):
            return Settled(Outcome.SUPERSEDED if was_ambiguous else Outcome.DRIFTED, None, reason)
        case Gone():
            return Settled(Outcome.NOT_FOUND, None, "NOT_A_MEMBER")
        case Unreadable():
            return Settled(Outcome.UNKNOWN if was_ambiguous else Outcome.REJECTED, None, "UNREADABLE")


def _after_success(row: PlanRow, answer: Answered) -> AfterAnswer:
    # A 2xx that does not show our value is not believed: only a read-back shows what was kept.
    if is_removal(row) or (answer.shown is not None and _shows(row, answer.shown)):
        return Settled(Outcome.APPLIED, OutcomeSource.RESPONSE)
    return ReadBack(ReadBackReason.UNEXPECTED_BODY)


def _after_not_found(row: PlanRow, *, was_ambiguous: bool) -> Settled:
    if not is_removal(row):
        return Settled(Outcome.NOT_FOUND, OutcomeSource.RESPONSE, "HTTP_404")
    # An earlier attempt got no answer and the member is gone now: that attempt is the likeliest cause.
    if was_ambiguous:
        return Settled(Outcome.APPLIED, OutcomeSource.NOT_FOUND_AFTER_AMBIGUOUS)
    return Settled(Outcome.CONVERGED, OutcomeSource.ALREADY, "ALREADY_GONE")


def _shows(row: PlanRow, shown: Present) -> bool:
    """Return whether an answer shows what was sent, as far as it can: it never shows a timestamp."""
    return (
        row.set_index in {None, shown.last_read_message_index} and row.set_level in {None, shown.notification_level}
    )  # fmt: skip


def _refusal(answer: Answered) -> str:
    number = f", code {answer.code}" if answer.code is not None else ""
    return f"Twilio refused a change with {answer.status}{number}: {answer.message or 'no explanation'}"
