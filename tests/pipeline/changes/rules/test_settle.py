"""What answers and readings mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.rules.preconditions import Already, Drifted, Missing, RemoveMember, SetFields, Unclear
from readstate.changes.rules.settle import (
    MOST_CONFLICTS,
    Again,
    Answer,
    Answered,
    CheckAgain,
    Doubt,
    Late,
    Lost,
    NeverSent,
    ReadBack,
    Settled,
    Standing,
    StopRun,
    after_answer,
    after_reading,
    standing,
    unsent,
)
from readstate.model.change import Reason
from readstate.model.membership import Absent, Unreadable
from readstate.model.outcome import By, Outcome
from tests.helpers.plans import plan_row, removal_row
from tests.pipeline.changes.rules.test_preconditions import exact, present

UPDATE = SetFields(last_read_message_index=8, last_read_timestamp=None, notification_level=None)
REMOVAL = RemoveMember("MB" + "1" * 32)

answers = st.one_of(
    st.builds(Answered, status=st.integers(200, 599), code=st.none() | st.sampled_from([20003, 20429, 50419, 70051])),
    st.just(Lost("reset")),
    st.just(NeverSent("refused")),
    st.just(Late()),
)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 302, 599])
@pytest.mark.parametrize("sending", [UPDATE, REMOVAL])
def test_an_answer_that_tells_nothing_leads_to_a_reading(status: int, sending: SetFields | RemoveMember) -> None:
    assert after_answer(sending, Answered(status=status)) == ReadBack(Doubt.OUTCOME)
    assert after_answer(sending, Lost("reset")) == ReadBack(Doubt.OUTCOME)


@given(
    answer=answers, sending=st.sampled_from([UPDATE, REMOVAL]), was_ambiguous=st.booleans(), conflicts=st.integers(0, 5)
)
def test_only_a_success_a_missing_member_or_a_reading_can_make_a_row_applied(
    answer: Answer, sending: SetFields | RemoveMember, was_ambiguous: bool, conflicts: int
) -> None:
    after = after_answer(sending, answer, was_ambiguous=was_ambiguous, conflicts=conflicts)

    if isinstance(after, Settled) and after.outcome is Outcome.APPLIED:
        assert isinstance(answer, Answered)
        assert answer.status < 300 or (answer.status == 404 and was_ambiguous and sending is REMOVAL)


@given(answer=answers)
def test_what_certainly_had_no_effect_is_never_called_in_doubt(answer: Answer) -> None:
    after = after_answer(UPDATE, answer)

    clear = isinstance(answer, Late | NeverSent) or (
        isinstance(answer, Answered) and 400 <= answer.status < 500 and answer.status != 408
    )
    assert clear <= (after != ReadBack(Doubt.OUTCOME))


def test_a_429_or_a_missing_connection_is_read_and_tried_again() -> None:
    assert after_answer(UPDATE, Answered(status=429, code=20429)) == CheckAgain(Again.THROTTLED)
    assert after_answer(UPDATE, NeverSent("refused")) == CheckAgain(Again.NOT_SENT)
    assert after_answer(UPDATE, Late()) == CheckAgain(Again.LATE)


def test_a_conflict_is_tried_again_a_few_times() -> None:
    conflict = Answered(status=409, code=50419)

    assert after_answer(UPDATE, conflict, conflicts=MOST_CONFLICTS - 1) == CheckAgain(Again.CONFLICT)
    assert after_answer(UPDATE, conflict, conflicts=MOST_CONFLICTS) == Settled(
        Outcome.REJECTED, By.RESPONSE, "HTTP_409"
    )


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (401, None), (403, 20003), (403, 70051), (403, 50385)])
def test_a_refusal_that_everybody_would_get_stops_the_run(status: int, code: int | None) -> None:
    assert isinstance(after_answer(UPDATE, Answered(status=status, code=code)), StopRun)


@pytest.mark.parametrize(("status", "code"), [(400, 50377), (403, 50430), (405, 20004), (422, None)])
def test_a_refusal_of_this_row_rejects_this_row(status: int, code: int | None) -> None:
    assert after_answer(UPDATE, Answered(status=status, code=code)) == Settled(
        Outcome.REJECTED, By.RESPONSE, f"HTTP_{status}"
    )


def test_a_404_means_something_else_for_an_update_a_removal_and_a_removal_in_doubt() -> None:
    gone = Answered(status=404, code=20404)

    assert after_answer(UPDATE, gone) == Settled(Outcome.NOT_FOUND, By.RESPONSE, "HTTP_404")
    assert after_answer(UPDATE, gone, was_ambiguous=True) == Settled(Outcome.NOT_FOUND, By.RESPONSE, "HTTP_404")
    assert after_answer(REMOVAL, gone) == Settled(Outcome.CONVERGED, By.ALREADY, "ALREADY_GONE")
    assert after_answer(REMOVAL, gone, was_ambiguous=True) == Settled(Outcome.APPLIED, By.NOT_FOUND_AFTER_AMBIGUOUS)


def test_a_success_counts_only_where_it_shows_our_value() -> None:
    applied = Settled(Outcome.APPLIED, By.RESPONSE)

    assert after_answer(UPDATE, Answered(status=200, shown=present(8))) == applied
    assert after_answer(UPDATE, Answered(status=202, shown=present(7))) == ReadBack(Doubt.BODY)
    assert after_answer(UPDATE, Answered(status=200)) == ReadBack(Doubt.BODY)
    assert after_answer(REMOVAL, Answered(status=204)) == applied


@pytest.mark.parametrize(
    ("row", "current", "where"),
    [
        (plan_row(1), present(8), Standing.AT_TARGET),
        (plan_row(1), present(None), Standing.AT_BEFORE),
        (plan_row(1), present(7), Standing.AT_BEFORE),
        (plan_row(1), present(9), Standing.BEYOND),
        (plan_row(1), Absent(Reason.NOT_A_MEMBER), Standing.GONE),
        (plan_row(1), Unreadable("500"), Standing.UNREADABLE),
        (plan_row(1), present(8, participant_sid="MB" + "0" * 32), Standing.ELSEWHERE),
        (plan_row(1), present(8, participant_sid=None), Standing.UNREADABLE),
        (exact(fields_mask=1), present(9), Standing.BEYOND),
        (exact(), present(8, "muted"), Standing.AT_TARGET),
        (exact(), present(3, "default"), Standing.AT_BEFORE),
        (exact(), present(8, "default"), Standing.ELSEWHERE),
        (exact(fields_mask=2), present(8), Standing.UNREADABLE),
        (removal_row(1), present(), Standing.AT_BEFORE),
        (removal_row(1), Absent(Reason.NOT_A_MEMBER), Standing.AT_TARGET),
        (removal_row(1), present(participant_sid="MB" + "0" * 32), Standing.ELSEWHERE),
    ],
)
def test_where_a_membership_stands(row, current, where) -> None:
    assert standing(row, current) is where


@given(where=st.sampled_from(Standing), doubt=st.sampled_from(Doubt))
def test_the_last_reading_always_decides(where: Standing, doubt: Doubt) -> None:
    assert after_reading(doubt, where, is_last=True) is not None


@given(where=st.sampled_from(Standing), doubt=st.sampled_from(Doubt))
def test_an_earlier_reading_never_says_that_a_write_had_no_effect(where: Standing, doubt: Doubt) -> None:
    assert not isinstance(after_reading(doubt, where, is_last=False), CheckAgain)


@pytest.mark.parametrize(
    ("doubt", "where", "outcome"),
    [
        (Doubt.OUTCOME, Standing.AT_TARGET, Outcome.APPLIED),
        (Doubt.OUTCOME, Standing.BEYOND, Outcome.SUPERSEDED),
        (Doubt.OUTCOME, Standing.ELSEWHERE, Outcome.SUPERSEDED),
        (Doubt.OUTCOME, Standing.GONE, Outcome.NOT_FOUND),
        (Doubt.OUTCOME, Standing.UNREADABLE, Outcome.UNKNOWN),
        (Doubt.BODY, Standing.AT_BEFORE, Outcome.MISMATCH),
        (Doubt.BODY, Standing.BEYOND, Outcome.APPLIED),
        (Doubt.BODY, Standing.UNREADABLE, Outcome.UNKNOWN),
        (Doubt.NONE, Standing.ELSEWHERE, Outcome.MISMATCH),
        (Doubt.NONE, Standing.GONE, Outcome.APPLIED),
        (Doubt.NONE, Standing.UNREADABLE, Outcome.APPLIED),
    ],
)
def test_what_the_last_reading_says(doubt: Doubt, where: Standing, outcome: Outcome) -> None:
    after = after_reading(doubt, where, is_last=True)

    assert isinstance(after, Settled)
    assert after.outcome is outcome


def test_a_write_in_doubt_that_is_not_there_at_last_is_decided_anew() -> None:
    assert after_reading(Doubt.OUTCOME, Standing.AT_BEFORE, is_last=True) == CheckAgain(Again.NOT_APPLIED)


@pytest.mark.parametrize(
    ("verdict", "clear", "ambiguous"),
    [
        (Already("SAME"), Outcome.CONVERGED, Outcome.APPLIED),
        (Already("ALREADY_FURTHER"), Outcome.CONVERGED, Outcome.SUPERSEDED),
        (Drifted("CHANGED", ""), Outcome.DRIFTED, Outcome.SUPERSEDED),
        (Missing(), Outcome.NOT_FOUND, Outcome.NOT_FOUND),
        (Unclear("500"), Outcome.REJECTED, Outcome.UNKNOWN),
    ],
)
def test_a_row_that_is_not_sent_ends_by_whether_it_was_sent_before(verdict, clear: Outcome, ambiguous: Outcome) -> None:
    assert unsent(verdict, was_ambiguous=False).outcome is clear
    assert unsent(verdict, was_ambiguous=True).outcome is ambiguous
