"""How much may go wrong."""

import pytest

from readstate.changes.apply.budgets import Budgets, Canary, WriteBreaker, parse_budget, parse_patience
from readstate.errors import BadInput
from readstate.model.outcome import Outcome


def test_a_percentage_has_a_floor_and_a_count_has_none() -> None:
    assert parse_budget("2%").of(100) == 10
    assert parse_budget("2%").of(10_000) == 200
    assert parse_budget("3").of(1_000_000) == 3
    assert parse_budget("0").of(1_000_000) == 0
    with pytest.raises(BadInput):
        parse_budget("few")


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.UNKNOWN, Outcome.MISMATCH])
def test_failed_rows_use_up_the_error_budget_and_only_the_one_too_many_stops(outcome: Outcome) -> None:
    budgets = Budgets(max_errors=2, max_drift=0)
    for _ in range(2):
        budgets.note(outcome)
    assert budgets.exceeded() is None

    budgets.note(outcome)

    assert "3 rows failed" in (budgets.exceeded() or "")


def test_drift_has_a_budget_of_its_own() -> None:
    budgets = Budgets(max_errors=0, max_drift=1)
    budgets.note(Outcome.DRIFTED)
    assert budgets.exceeded() is None

    budgets.note(Outcome.SUPERSEDED)

    assert "the plan is stale" in (budgets.exceeded() or "")


def test_one_drifted_row_stops_where_that_was_asked_for() -> None:
    budgets = Budgets(max_errors=0, max_drift=100, stops_on_drift=True)
    budgets.note(Outcome.CONVERGED)
    assert budgets.exceeded() is None

    budgets.note(Outcome.DRIFTED)

    assert budgets.exceeded() is not None


def test_a_canary_forgives_drift_and_nothing_worse() -> None:
    canary = Canary()
    for outcome in (Outcome.APPLIED, Outcome.CONVERGED, Outcome.DRIFTED, Outcome.NOT_FOUND):
        canary.note(1, outcome)
    assert canary.verdict() is None

    canary.note(7, Outcome.MISMATCH)

    assert canary.verdict() == "1 of the first 5 rows failed (plan_row_id 7): nothing more was sent"


class TestWriteBreaker:
    def test_it_opens_at_the_fifth_unclear_answer_in_a_row(self) -> None:
        breaker = WriteBreaker()
        for is_ambiguous in (True, True, True, True, False, True, True, True, True):
            breaker.note(1.0, is_ambiguous=is_ambiguous)
        assert not breaker.is_open

        breaker.note(2.0, is_ambiguous=True)

        assert breaker.opened_at == 2.0

    def test_it_opens_where_more_than_a_fifth_of_the_last_fifty_are_unclear(self) -> None:
        breaker = WriteBreaker()
        for number in range(49):
            breaker.note(1.0, is_ambiguous=number % 4 == 0)
        assert not breaker.is_open

        breaker.note(2.0, is_ambiguous=False)

        assert breaker.is_open

    def test_how_many_may_be_unclear_is_for_a_person_to_say(self) -> None:
        in_a_row, share = WriteBreaker(parse_patience("2,100%")), WriteBreaker(parse_patience("1000, 0%"))
        for breaker in (in_a_row, share):
            breaker.note(1.0, is_ambiguous=True)
            assert not breaker.is_open

        in_a_row.note(2.0, is_ambiguous=True)
        for _ in range(49):
            share.note(2.0, is_ambiguous=False)

        assert in_a_row.is_open
        assert share.is_open

    @pytest.mark.parametrize("text", ["", "5", "20%", "0,20%", "5,20", "5,101%", "-1,20%", "five,20%"])
    def test_what_says_no_such_thing_is_refused(self, text: str) -> None:
        with pytest.raises(BadInput):
            parse_patience(text)

    def test_once_closed_it_judges_only_what_comes(self) -> None:
        breaker = WriteBreaker()
        for _ in range(5):
            breaker.note(1.0, is_ambiguous=True)

        breaker.close()
        breaker.note(2.0, is_ambiguous=True)

        assert not breaker.is_open
