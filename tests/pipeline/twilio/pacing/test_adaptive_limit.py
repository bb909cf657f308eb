"""What a level learns from acceptances and refusals."""

import pytest

from readstate.twilio.pacing.adaptive_limit import AdaptiveLimit


def adaptive_limit(value: float, **changes: float) -> AdaptiveLimit:
    return AdaptiveLimit(value, **{"least": 0.03, "most": 500, "budget": 0.003, "step": 0.5, **changes})


def test_a_search_grows_by_half_in_each_round_until_something_is_refused() -> None:
    found = adaptive_limit(4)
    found.slow_start = True
    for _ in range(4):
        found.accepted(0.1)

    assert found.value == 6

    found.refused(0.2, sent_at=0.1)

    assert not found.slow_start
    assert found.value < 6


def test_one_refusal_takes_one_slot_of_which_half_comes_back_within_a_few_rounds() -> None:
    refused = adaptive_limit(100)
    refused.refused(1.0, sent_at=0.9)

    assert refused.value == pytest.approx(99)

    for _ in range(3 * 8 * 100):
        refused.accepted(1.0)

    assert refused.value > 99.4


def test_acceptances_earn_a_refusal_back_at_the_price_of_the_budget() -> None:
    patient = adaptive_limit(100)
    for _ in range(1000):
        patient.accepted(1.0)

    assert patient.value == pytest.approx(100 + 1000 * 0.003 * 0.5 * 2 / 3)


def test_the_climb_is_never_steeper_than_three_percent_a_round() -> None:
    silent = adaptive_limit(100)
    for _ in range(2000):
        silent.accepted(1.0)
    before = silent.value
    silent.accepted(1e6)

    assert silent.value - before == pytest.approx(0.03)


def test_it_nears_its_least_without_end_and_returns_fast() -> None:
    blocked = adaptive_limit(4)
    for _ in range(100):
        blocked.refused(1.0, sent_at=1.0)

    assert blocked.value == 0.03

    for _ in range(40):
        blocked.accepted(2.0)

    assert blocked.value > 15
