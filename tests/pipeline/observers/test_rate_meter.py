from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.observers.rate_meter import RateMeter, Sample


def metered(samples: Sequence[Sample]) -> RateMeter:
    meter = RateMeter()
    for sample in samples:
        meter.add(sample)
    return meter


def steady(seconds: int, *, requests: int, done: int) -> RateMeter:
    return metered(
        [Sample(100.0 + second, requests * second, requests * second, done * second) for second in range(seconds + 1)]
    )


@given(st.integers(1, 100), st.integers(0, 5000))
def test_a_steady_run_has_its_rate(seconds: int, rate: int) -> None:
    assert steady(seconds, requests=rate, done=0).requests_per_second() == pytest.approx(rate)


@pytest.mark.parametrize("samples", [[Sample(5.0, 7, 7, 7)], [Sample(5.0, 0, 0, 0), Sample(5.0, 7, 7, 7)]])
def test_at_the_first_moment_there_is_none(samples: list[Sample]) -> None:
    assert metered(samples).requests_per_second() == 0


@given(st.lists(st.floats(0.1, 100), min_size=40, max_size=60), st.integers(1, 1000))
def test_only_the_last_half_minute_counts(gaps: list[float], rate: int) -> None:
    meter, now = RateMeter(), 0.0
    for gap in gaps:
        now += gap
        meter.add(Sample(now, 1_000_000, 0, 0))
    for second in range(1, 41):
        meter.add(Sample(now + second, 1_000_000 + rate * second, 0, 0))

    assert meter.requests_per_second() == pytest.approx(rate)


@pytest.mark.parametrize(("done", "left", "seconds"), [(5, 500, 100), (0, 5, None), (0, 0, 0), (0, -3, 0)])
def test_the_time_left_follows_from_the_rate_of_users(done: int, left: int, seconds: float | None) -> None:
    assert steady(10, requests=99, done=done).seconds_left(left) == seconds


def test_a_run_without_a_success_for_three_seconds_has_none_recently() -> None:
    stuck = [Sample(float(second), second, 5, 0) for second in range(10)]

    assert not metered(stuck).has_recent_success()
    assert metered(stuck[:3]).has_recent_success()
    assert steady(9, requests=3, done=0).has_recent_success()
