"""The machine's clock keeps what the protocol promises, and so does the one for tests."""

import time
from datetime import UTC, timedelta

import pytest

from readstate.clock import Clock, SystemClock
from tests.helpers.fake_clock import FakeClock


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
async def test_it_is_aware_grows_and_gives_chances(clock: Clock) -> None:
    before = clock.monotonic()
    await clock.sleep(-1)
    await clock.sleep(0)

    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() >= before
    assert 0 <= clock.random() < 1


def test_now_is_now() -> None:
    assert abs(SystemClock().now().timestamp() - time.time()) < 60
    assert SystemClock().now().tzinfo is UTC


async def test_on_the_fake_clock_sleeping_is_all_that_takes_time() -> None:
    clock = FakeClock()
    began, at = clock.monotonic(), clock.now()
    await clock.sleep(90)

    assert (clock.monotonic() - began, clock.now() - at, clock.slept) == (90, timedelta(seconds=90), [90])
