"""Spacing and gates."""

import pytest

from readstate.twilio.pacing.pacer import Lane


def test_requests_are_kept_apart():
    lane = Lane()
    lane.sent(10.0, 20)

    assert lane.ready_at() == pytest.approx(10.0 + 0.05 / 2 - 0.001)

    lane.sent(10.025, 20)

    assert lane.ready_at() == pytest.approx(10.075 - 0.001)


def test_what_a_busy_loop_was_late_by_is_made_up_for_but_a_long_rest_is_not():
    lane = Lane()
    lane.sent(10.0, 1000)
    sent_at_once = 0
    while lane.ready_at() <= 20.0:
        lane.sent(20.0, 1000)
        sent_at_once += 1

    assert 10 <= sent_at_once <= 12


def test_the_gate_holds_longer_than_the_spacing_and_never_opens_earlier():
    lane = Lane()
    lane.hold_until(30.0)
    lane.hold_until(20.0)
    lane.sent(10.0, 1)

    assert lane.ready_at() == 30.0


def test_spacing_binds_when_requests_go_as_soon_as_it_lets_them():
    lane = Lane()
    lane.sent(10.0, 20)
    lane.sent(lane.ready_at(), 20)

    assert lane.is_binding

    lane.sent(11.0, 20)

    assert not lane.is_binding
