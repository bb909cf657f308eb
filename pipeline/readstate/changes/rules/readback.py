"""What a read-back means for a row whose write got no answer that settles it. Pure."""

from readstate.changes.rules.answers import ReadBackReason, Retry, RetryReason, Settled
from readstate.changes.rules.preconditions import RowState
from readstate.model.outcome import Outcome, OutcomeSource

AfterReadBack = Settled | Retry | None


def after_read_back(why: ReadBackReason, state: RowState, *, is_last: bool) -> AfterReadBack:
    """Return what follows from reading a row that is now in *state*; None to read it once more, unless *is_last*.

    A write of unknown outcome may still arrive, so only the last read-back may conclude that it had no effect.
    """
    match state:
        case RowState.AT_TARGET:
            return Settled(Outcome.APPLIED, OutcomeSource.READBACK)
        case RowState.UNREADABLE:
            return _unread(why) if is_last else None
        case _ if why is ReadBackReason.UNKNOWN_OUTCOME:
            return _after_unknown_outcome(state, is_last=is_last)
        case RowState.BEYOND:
            return Settled(Outcome.APPLIED, OutcomeSource.READBACK, "READ_ON_SINCE")
        case RowState.GONE:
            return Settled(Outcome.APPLIED, OutcomeSource.RESPONSE, "LEFT_SINCE") if is_last else None
        case _:
            return Settled(Outcome.MISMATCH, OutcomeSource.READBACK, state.value.upper()) if is_last else None


def _after_unknown_outcome(state: RowState, *, is_last: bool) -> AfterReadBack:
    match state:
        case RowState.AT_BEFORE:
            return Retry(RetryReason.NOT_APPLIED) if is_last else None
        case RowState.GONE:
            return Settled(Outcome.NOT_FOUND, OutcomeSource.READBACK, "LEFT_SINCE")
        case _:
            return Settled(Outcome.SUPERSEDED, OutcomeSource.READBACK, state.value.upper())


def _unread(why: ReadBackReason) -> Settled:
    if why is ReadBackReason.VERIFY:
        return Settled(Outcome.APPLIED, OutcomeSource.RESPONSE, "NOT_VERIFIED")
    return Settled(Outcome.UNKNOWN, None, "UNREADABLE")
