"""A timeline: every request is in one window, windows stay few, and those of several runs fit into each other."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.events import PageReread, RequestAnswered, RequestLost, Retried, UserRead
from readstate.snapshot.published.manifest import TimelineWindow
from readstate.snapshot.workspace.timeline import MOST_WINDOWS, Timeline, downsample, sum_requests, sum_timelines
from tests.helpers.fake_clock import FakeClock

BEGAN = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class Pace:
    def __init__(self) -> None:
        self.in_flight = 0
        self.allowed = 4.0


def answered(status: int = 200) -> RequestAnswered:
    return RequestAnswered("GET", status, 0.1, {})


def window(second: float, requests: int = 1, seconds: float = 10.0, **counts: int) -> TimelineWindow:
    plain = {"throttled": 0, "retries": 0, "in_flight": 1, "allowed": 2}
    return TimelineWindow(
        begins_at=BEGAN + timedelta(seconds=second), seconds=seconds, requests=requests, **{**plain, **counts}
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(BEGAN + timedelta(seconds=7))


def test_a_window_counts_requests_refusals_and_retries_and_keeps_the_peak(clock: FakeClock) -> None:
    pace, timeline = Pace(), Timeline(clock)
    timeline.watch(pace)
    for in_flight, allowed, event in (
        (1, 4.0, answered()),
        (5, 9.7, answered(429)),
        (2, 6.0, RequestLost("GET", "/", "reset", sent=True)),
        (2, 6.0, Retried("GET", "/", "reset", 1, 0.5, None)),
        (2, 6.0, PageReread("/")),
        (99, 99.0, UserRead("US1", 3, 1)),
    ):
        pace.in_flight, pace.allowed = in_flight, allowed
        timeline.observe(event)
    clock.advance(2)

    assert timeline.added_to(()) == (
        window(7, 3, seconds=2, throttled=1, retries=1, reread_pages=1, in_flight=5, allowed=9),
    )  # fmt: skip


def test_windows_begin_at_round_times_whenever_the_run_began(clock: FakeClock) -> None:
    timeline = Timeline(clock)
    for _ in range(3):
        timeline.observe(answered())
        clock.advance(8)
    timeline.observe(answered())
    clock.advance(1)

    windows = timeline.added_to(())
    assert [(one.begins_at - BEGAN).total_seconds() for one in windows] == [7, 10, 20, 30]
    assert [one.seconds for one in windows] == [3, 10, 10, 2]
    assert [one.requests for one in windows] == [1, 1, 1, 1]


def test_waiting_is_recorded_as_windows_without_requests(clock: FakeClock) -> None:
    timeline = Timeline(clock)
    timeline.observe(answered())
    clock.advance(33)
    timeline.observe(answered())

    assert [one.requests for one in timeline.added_to(())] == [1, 0, 0, 0, 1]


def test_time_that_the_machine_slept_through_is_missing(clock: FakeClock) -> None:
    timeline = Timeline(clock)
    timeline.observe(answered())
    clock.advance(4)
    clock._start += timedelta(hours=9)
    timeline.observe(answered())

    windows = timeline.added_to(())
    assert [one.requests for one in windows] == [1, 1]
    assert windows[1].begins_at - windows[0].begins_at == timedelta(hours=9, seconds=4)


def test_another_start_adds_its_windows_to_the_earlier_ones(clock: FakeClock) -> None:
    earlier = (window(-100, 5), window(0, 7, seconds=7, in_flight=9))
    timeline = Timeline(clock)
    timeline.observe(answered())
    clock.advance(1)

    assert timeline.added_to(earlier) == (window(-100, 5), window(0, 8, seconds=8, in_flight=9))


def test_a_run_of_a_day_has_few_windows_of_equal_length_and_every_request(clock: FakeClock) -> None:
    timeline = Timeline(clock)
    for _ in range(24 * 60):
        timeline.observe(answered())
        clock.advance(60)

    windows = timeline.added_to(())
    assert MOST_WINDOWS / 2 <= len(windows) <= MOST_WINDOWS
    assert sum(one.requests for one in windows) == 24 * 60
    assert len(timeline._closed) <= MOST_WINDOWS + 1
    assert {one.seconds for one in windows[1:-1]} == {320.0}


def test_shards_that_run_side_by_side_add_up_and_neighbours_do_not(clock: FakeClock) -> None:
    fine = [window(0, 1, in_flight=3), window(10, 2, in_flight=5), window(20, 4, in_flight=1)]
    coarse = [window(0, 10, seconds=20, in_flight=7), window(20, 20, seconds=20, in_flight=2)]

    assert [(one.requests, one.in_flight) for one in sum_timelines([fine, coarse])] == [(13, 12), (24, 3)]
    assert sum_timelines([fine, ()]) == tuple(fine)
    assert sum_timelines([]) == ()


WINDOWS = st.lists(
    st.builds(
        window, st.integers(0, 4000).map(lambda cell: 10 * cell), st.integers(0, 9), reread_pages=st.integers(0, 9)
    ),
    max_size=60,
)


@given(st.lists(WINDOWS, max_size=3), st.integers(1, 20))
def test_no_request_is_lost_or_counted_twice_by_merging_and_shortening(
    timelines: list[list[TimelineWindow]], most: int
) -> None:
    counts = sum_requests(one for timeline in timelines for one in timeline)

    together = sum_timelines(timelines)
    few = downsample(together, most=most)
    assert sum_requests(together) == sum_requests(few) == counts
    assert len(few) <= most
    assert [one.begins_at for one in few] == sorted(one.begins_at for one in few)
