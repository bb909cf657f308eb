import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.rules.answers import ReadBackReason, Retry, RetryReason, Settled
from readstate.changes.rules.preconditions import RowState
from readstate.changes.rules.readback import after_read_back
from readstate.model.outcome import Outcome


@given(state=st.sampled_from(RowState), why=st.sampled_from(ReadBackReason))
def test_the_last_reading_always_decides(state: RowState, why: ReadBackReason) -> None:
    assert after_read_back(why, state, is_last=True) is not None


@given(state=st.sampled_from(RowState), why=st.sampled_from(ReadBackReason))
def test_an_earlier_reading_never_says_that_a_write_had_no_effect(state: RowState, why: ReadBackReason) -> None:
    assert not isinstance(after_read_back(why, state, is_last=False), Retry)


@pytest.mark.parametrize(
    ("why", "state", "outcome"),
    [
        (ReadBackReason.UNKNOWN_OUTCOME, RowState.AT_TARGET, Outcome.APPLIED),
        (ReadBackReason.UNKNOWN_OUTCOME, RowState.BEYOND, Outcome.SUPERSEDED),
        (ReadBackReason.UNKNOWN_OUTCOME, RowState.ELSEWHERE, Outcome.SUPERSEDED),
        (ReadBackReason.UNKNOWN_OUTCOME, RowState.GONE, Outcome.NOT_FOUND),
        (ReadBackReason.UNKNOWN_OUTCOME, RowState.UNREADABLE, Outcome.UNKNOWN),
        (ReadBackReason.UNEXPECTED_BODY, RowState.AT_BEFORE, Outcome.MISMATCH),
        (ReadBackReason.UNEXPECTED_BODY, RowState.BEYOND, Outcome.APPLIED),
        (ReadBackReason.UNEXPECTED_BODY, RowState.UNREADABLE, Outcome.UNKNOWN),
        (ReadBackReason.VERIFY, RowState.ELSEWHERE, Outcome.MISMATCH),
        (ReadBackReason.VERIFY, RowState.GONE, Outcome.APPLIED),
        (ReadBackReason.VERIFY, RowState.UNREADABLE, Outcome.APPLIED),
    ],
)
def test_what_the_last_reading_says(why: ReadBackReason, state: RowState, outcome: Outcome) -> None:
    after = after_read_back(why, state, is_last=True)

    assert isinstance(after, Settled)
    assert after.outcome is outcome


def test_a_write_in_doubt_that_is_not_there_at_last_is_decided_anew() -> None:
    assert after_read_back(ReadBackReason.UNKNOWN_OUTCOME, RowState.AT_BEFORE, is_last=True) == Retry(
        RetryReason.NOT_APPLIED
    )
