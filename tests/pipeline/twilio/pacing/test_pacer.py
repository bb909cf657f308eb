"""Spacing and pauses."""

import pytest

from readstate.twilio.pacing.pacer import Pacer


def test_requests_are_kept_apart() -> None:
    pacer = Pacer()
    pacer.sent(10.0, 20)

    assert pacer.ready_at() == pytest.approx(10.0 + 0.05 / 2 - 0.001)

    pacer.sent(10.025, 20)

    assert pacer.ready_at() == pytest.approx(10.075 - 0.001)


def test_what_a_busy_loop_was_late_by_is_made_up_for_but_a_long_rest_is_not() -> None:
    pacer = Pacer()
    pacer.sent(10.0, 1000)
    sent_at_once = 0
    while pacer.ready_at() <= 20.0:
        pacer.sent(20.0, 1000)
        sent_at_once += 1

    assert 10 <= sent_at_once <= 12


def test_spacing_binds_when_requests_go_as_soon_as_it_lets_them() -> None:
    pacer = Pacer()
    pacer.sent(10.0, 20)
    pacer.sent(pacer.ready_at(), 20)

    assert pacer.is_binding

    pacer.sent(11.0, 20)

    assert not pacer.is_binding
