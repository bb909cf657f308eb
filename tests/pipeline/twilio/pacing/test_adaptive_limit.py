"""What a level learns from acceptances and refusals."""

import pytest

from readstate.twilio.pacing.adaptive_limit import Level


def level(value: float, **changes: float) -> Level:
    return Level(value, **{"least": 0.03, "most": 500, "budget": 0.003, "step": 0.5, **changes})


def test_a_search_grows_by_half_in_each_round_until_something_is_refused():
    found = level(4)
    found.searching = True
    for _ in range(4):
        found.accepted(0.1)

    assert found.value == 6

    found.refused(0.2, sent_at=0.1)

    assert not found.searching
    assert found.value < 6


def test_one_refusal_takes_one_slot_of_which_half_comes_back_within_a_few_rounds():
    refused = level(100)
    refused.refused(1.0, sent_at=0.9)

    assert refused.value == pytest.approx(99)

    for _ in range(3 * 8 * 100):
        refused.accepted(1.0)

    assert refused.value > 99.4


def test_acceptances_earn_a_refusal_back_at_the_price_of_the_budget():
    patient = level(100)
    for _ in range(1000):
        patient.accepted(1.0)

    assert patient.value == pytest.approx(100 + 1000 * 0.003 * 0.5 * 2 / 3)


def test_silence_beyond_what_the_budget_explains_speeds_the_climb():
    silent = level(100)
    silent.refused(0.0, sent_at=0.0)
    now = 0.0
    for _ in range(6000):
        now += 0.12 / 100
        silent.accepted(now)

    assert silent.value > 150


def test_the_climb_is_never_steeper_than_three_percent_a_round():
    silent = level(100)
    for _ in range(2000):
        silent.accepted(1.0)
    before = silent.value
    silent.accepted(1e6)

    assert silent.value - before == pytest.approx(0.03)


def test_with_pauses_fewer_refusals_can_be_afforded():
    hasty, careful = level(100), level(100)
    hasty.refused(0.0, sent_at=0.0)
    careful.refused(0.0, sent_at=0.0, lost_to_pause=500)
    low = careful.value
    for _ in range(100):
        careful.accepted(100.0)

    assert careful.value < hasty.value
    assert careful.value - low < 0.01


def test_what_was_sent_before_a_pause_says_nothing_new():
    paused = level(100)
    paused.refused(5.0, sent_at=4.9, lost_to_pause=500)
    once = paused.value
    for _ in range(50):
        paused.refused(5.1, sent_at=4.95, lost_to_pause=500)

    assert paused.value == once


def test_refused_again_at_once_after_a_pause_it_steps_down_faster_each_time():
    far_too_high, drops = level(100), []
    for second in range(1, 6):
        before = far_too_high.value
        far_too_high.refused(float(second), sent_at=second - 0.1, lost_to_pause=500)
        drops.append(1 - far_too_high.value / before)

    assert drops == pytest.approx([0.04, 0.08, 0.16, 0.25, 0.25])


def test_after_a_long_time_without_a_pause_the_climb_speeds_up():
    rising = level(100)
    rising.refused(0.0, sent_at=0.0, lost_to_pause=100)
    low, climbed = rising.value, []
    for _ in range(2):
        before = rising.value
        for _ in range(3000):
            rising.accepted(1.0)
        climbed.append(rising.value - before)

    assert rising.value > low
    assert climbed[1] > 4 * climbed[0]


def test_it_nears_its_least_without_end_and_returns_fast():
    blocked = level(4)
    for _ in range(100):
        blocked.refused(1.0, sent_at=1.0)

    assert blocked.value == 0.03

    for _ in range(40):
        blocked.accepted(2.0)

    assert blocked.value > 15


def test_it_never_leaves_its_bounds():
    bounded = level(490)
    bounded.searching = True
    for _ in range(100):
        bounded.accepted(1.0)

    assert bounded.value == 500
