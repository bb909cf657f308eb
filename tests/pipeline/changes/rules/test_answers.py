from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.rules.answers import (
    MAX_CONFLICTS,
    Abort,
    AfterAnswer,
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


def rejected(status: int) -> Settled:
    return Settled(Outcome.REJECTED, OutcomeSource.RESPONSE, f"HTTP_{status}")


UNEXPECTED = ReadBack(ReadBackReason.UNEXPECTED_BODY)
APPLIED = Settled(Outcome.APPLIED, OutcomeSource.RESPONSE)
NOT_FOUND = Settled(Outcome.NOT_FOUND, OutcomeSource.RESPONSE, "HTTP_404")


@pytest.mark.parametrize(
    ("row", "answer", "before", "after"),
    [
        (UPDATE, Answered(status=429, code=20429), {}, Retry(RetryReason.THROTTLED)),
        (UPDATE, NeverSent("refused"), {}, Retry(RetryReason.NOT_SENT)),
        (UPDATE, Late(), {}, Retry(RetryReason.LATE)),
        (UPDATE, Answered(status=409, code=50419), {"conflicts": MAX_CONFLICTS - 1}, Retry(RetryReason.CONFLICT)),
        (UPDATE, Answered(status=409, code=50419), {"conflicts": MAX_CONFLICTS}, rejected(409)),
        (UPDATE, Answered(status=400, code=50377), {}, rejected(400)),
        (UPDATE, Answered(status=403, code=50430), {}, rejected(403)),
        (UPDATE, Answered(status=405, code=20004), {}, rejected(405)),
        (UPDATE, Answered(status=422), {}, rejected(422)),
        (UPDATE, Answered(status=404), {}, NOT_FOUND),
        (UPDATE, Answered(status=404), {"was_ambiguous": True}, NOT_FOUND),
        (REMOVAL, Answered(status=404), {}, Settled(Outcome.CONVERGED, OutcomeSource.ALREADY, "ALREADY_GONE")),
        (
            REMOVAL,
            Answered(status=404),
            {"was_ambiguous": True},
            Settled(Outcome.APPLIED, OutcomeSource.NOT_FOUND_AFTER_AMBIGUOUS),
        ),
        (UPDATE, Answered(status=200, shown=present(8)), {}, APPLIED),
        (UPDATE, Answered(status=202, shown=present(7)), {}, UNEXPECTED),
        (UPDATE, Answered(status=200), {}, UNEXPECTED),
        (REMOVAL, Answered(status=204), {}, APPLIED),
    ],
)
def test_what_follows_from_an_answer(row: PlanRow, answer: Answer, before: dict[str, Any], after: AfterAnswer) -> None:
    assert after_answer(row, answer, **before) == after


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (401, None), (403, 20003), (403, 70051), (403, 50385)])
def test_a_refusal_that_every_row_would_get_stops_the_run(status: int, code: int | None) -> None:
    assert isinstance(after_answer(UPDATE, Answered(status=status, code=code)), Abort)


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
