import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.rules.answers import (
    MAX_CONFLICTS,
    Abort,
    Answer,
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
from readstate.changes.rules.preconditions import Drifted, Gone, Satisfied
from readstate.model.membership import Unreadable
from readstate.model.outcome import Outcome, OutcomeSource
from readstate.model.plan import PlanRow
from tests.helpers.plans import plan_row, present, removal_row

UPDATE = plan_row(1)
REMOVAL = removal_row(1)

answers = st.one_of(
    st.builds(Answered, status=st.integers(200, 599), code=st.none() | st.sampled_from([20003, 20429, 50419, 70051])),
    st.just(Lost("reset")),
    st.just(NeverSent("refused")),
    st.just(Late()),
)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 302, 599])
@pytest.mark.parametrize("row", [UPDATE, REMOVAL])
def test_an_answer_that_tells_nothing_leads_to_a_reading(status: int, row: PlanRow) -> None:
    assert after_answer(row, Answered(status=status)) == ReadBack(ReadBackReason.UNKNOWN_OUTCOME)
    assert after_answer(row, Lost("reset")) == ReadBack(ReadBackReason.UNKNOWN_OUTCOME)


@given(answer=answers, row=st.sampled_from([UPDATE, REMOVAL]), was_ambiguous=st.booleans(), conflicts=st.integers(0, 5))
def test_only_a_success_a_missing_member_or_a_reading_can_make_a_row_applied(
    answer: Answer, row: PlanRow, was_ambiguous: bool, conflicts: int
) -> None:
    after = after_answer(row, answer, was_ambiguous=was_ambiguous, conflicts=conflicts)

    if isinstance(after, Settled) and after.outcome is Outcome.APPLIED:
        assert isinstance(answer, Answered)
        assert answer.status < 300 or (answer.status == 404 and was_ambiguous and row is REMOVAL)


@given(answer=answers)
def test_what_certainly_had_no_effect_is_never_called_in_doubt(answer: Answer) -> None:
    after = after_answer(UPDATE, answer)

    clear = isinstance(answer, Late | NeverSent) or (
        isinstance(answer, Answered) and 400 <= answer.status < 500 and answer.status != 408
    )
    assert clear <= (after != ReadBack(ReadBackReason.UNKNOWN_OUTCOME))


def test_a_429_or_a_missing_connection_is_read_and_tried_again() -> None:
    assert after_answer(UPDATE, Answered(status=429, code=20429)) == Retry(RetryReason.THROTTLED)
    assert after_answer(UPDATE, NeverSent("refused")) == Retry(RetryReason.NOT_SENT)
    assert after_answer(UPDATE, Late()) == Retry(RetryReason.LATE)


def test_a_conflict_is_tried_again_a_few_times() -> None:
    conflict = Answered(status=409, code=50419)

    assert after_answer(UPDATE, conflict, conflicts=MAX_CONFLICTS - 1) == Retry(RetryReason.CONFLICT)
    assert after_answer(UPDATE, conflict, conflicts=MAX_CONFLICTS) == Settled(
        Outcome.REJECTED, OutcomeSource.RESPONSE, "HTTP_409"
    )


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (401, None), (403, 20003), (403, 70051), (403, 50385)])
def test_a_refusal_that_everybody_would_get_stops_the_run(status: int, code: int | None) -> None:
    assert isinstance(after_answer(UPDATE, Answered(status=status, code=code)), Abort)


@pytest.mark.parametrize(("status", "code"), [(400, 50377), (403, 50430), (405, 20004), (422, None)])
def test_a_refusal_of_this_row_rejects_this_row(status: int, code: int | None) -> None:
    assert after_answer(UPDATE, Answered(status=status, code=code)) == Settled(
        Outcome.REJECTED, OutcomeSource.RESPONSE, f"HTTP_{status}"
    )


def test_a_404_means_something_else_for_an_update_a_removal_and_a_removal_in_doubt() -> None:
    gone = Answered(status=404, code=20404)

    assert after_answer(UPDATE, gone) == Settled(Outcome.NOT_FOUND, OutcomeSource.RESPONSE, "HTTP_404")
    assert after_answer(UPDATE, gone, was_ambiguous=True) == Settled(
        Outcome.NOT_FOUND, OutcomeSource.RESPONSE, "HTTP_404"
    )
    assert after_answer(REMOVAL, gone) == Settled(Outcome.CONVERGED, OutcomeSource.ALREADY, "ALREADY_GONE")
    assert after_answer(REMOVAL, gone, was_ambiguous=True) == Settled(
        Outcome.APPLIED, OutcomeSource.NOT_FOUND_AFTER_AMBIGUOUS
    )


def test_a_success_counts_only_where_it_shows_our_value() -> None:
    applied = Settled(Outcome.APPLIED, OutcomeSource.RESPONSE)

    assert after_answer(UPDATE, Answered(status=200, shown=present(8))) == applied
    assert after_answer(UPDATE, Answered(status=202, shown=present(7))) == ReadBack(ReadBackReason.UNEXPECTED_BODY)
    assert after_answer(UPDATE, Answered(status=200)) == ReadBack(ReadBackReason.UNEXPECTED_BODY)
    assert after_answer(REMOVAL, Answered(status=204)) == applied


@pytest.mark.parametrize(
    ("check", "clear", "ambiguous"),
    [
        (Satisfied("SAME"), Outcome.CONVERGED, Outcome.APPLIED),
        (Satisfied("ALREADY_FURTHER"), Outcome.CONVERGED, Outcome.SUPERSEDED),
        (Drifted("CHANGED", ""), Outcome.DRIFTED, Outcome.SUPERSEDED),
        (Gone(), Outcome.NOT_FOUND, Outcome.NOT_FOUND),
        (Unreadable("500"), Outcome.REJECTED, Outcome.UNKNOWN),
    ],
)
def test_a_row_that_is_not_sent_ends_by_whether_it_was_sent_before(check, clear: Outcome, ambiguous: Outcome) -> None:
    assert outcome_without_write(check, was_ambiguous=False).outcome is clear
    assert outcome_without_write(check, was_ambiguous=True).outcome is ambiguous
