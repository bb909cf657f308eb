import pytest

from readstate.changes.apply.budgets import Budgets, Canary, parse_budget
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
        budgets.count(outcome)
    assert budgets.exceeded() is None

    budgets.count(outcome)

    assert "3 rows failed" in (budgets.exceeded() or "")


def test_drift_has_a_budget_of_its_own() -> None:
    budgets = Budgets(max_errors=0, max_drift=1)
    budgets.count(Outcome.DRIFTED)
    assert budgets.exceeded() is None

    budgets.count(Outcome.SUPERSEDED)

    assert "the plan is stale" in (budgets.exceeded() or "")


def test_one_drifted_row_stops_where_that_was_asked_for() -> None:
    budgets = Budgets(max_errors=0, max_drift=100, stops_on_drift=True)
    budgets.count(Outcome.CONVERGED)
    assert budgets.exceeded() is None

    budgets.count(Outcome.DRIFTED)

    assert budgets.exceeded() is not None


def test_a_canary_forgives_drift_and_nothing_worse() -> None:
    canary = Canary()
    for outcome in (Outcome.APPLIED, Outcome.CONVERGED, Outcome.DRIFTED, Outcome.NOT_FOUND):
        canary.count(1, outcome)
    assert canary.exceeded() is None

    canary.count(7, Outcome.MISMATCH)

    assert canary.exceeded() == "1 of the first 5 rows failed (plan_row_id 7): nothing more was sent"
