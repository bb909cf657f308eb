"""Speeds, time left and the sentence that tells them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.events import RequestAnswered, Retried, RosterComplete, RunResumed, UserRead
from readstate.observers.progress_figures import (
    Sample,
    Speedometer,
    figures,
    outlook,
    requests_per_second,
    seconds_left,
    sentence,
)
from readstate.observers.run_counters import RunTally
from tests.helpers.figures import half_way
from tests.helpers.pace import FakePace


def steady(seconds: int, *, requests: int, users: int) -> list[Sample]:
    return [
        Sample(100.0 + second, requests * second, requests * second, users * second) for second in range(seconds + 1)
    ]


def a_retry(reason: str) -> Retried:
    return Retried("GET", "/v1/Users", reason, 1, 0.5, None)


class TestSpeed:
    @given(st.integers(1, 100), st.integers(0, 5000))
    def test_a_steady_run_has_its_speed(self, seconds: int, speed: int) -> None:
        assert requests_per_second(steady(seconds, requests=speed, users=0)) == pytest.approx(speed)

    def test_at_the_first_moment_there_is_none(self) -> None:
        assert requests_per_second([Sample(5.0, 7, 7, 7)]) == 0
        assert requests_per_second([Sample(5.0, 0, 0, 0), Sample(5.0, 7, 7, 7)]) == 0

    def test_only_the_last_half_minute_counts(self) -> None:
        meter = Speedometer()
        samples: Sequence[Sample] = ()
        for second in range(200):
            samples = meter.add(Sample(float(second), 1000 * min(second, 100) + max(0, second - 100), 0, 0))

        assert samples[-1].at - samples[0].at == 30
        assert requests_per_second(samples) == pytest.approx(1)

    @given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
    def test_it_always_remembers_the_latest_and_never_too_much(self, gaps: list[float]) -> None:
        meter, now, added = Speedometer(), 0.0, []
        for gap in gaps:
            now += gap
            added.append(Sample(now, 0, 0, 0))
            samples = list(meter.add(added[-1]))

            assert samples == added[-len(samples) :]
            assert len(samples) == len(added) or samples[-1].at - samples[0].at >= 30 or len(samples) == 2
            assert len(samples) <= 2 or samples[-1].at - samples[1].at < 30


class TestSecondsLeft:
    def test_what_is_left_divided_by_the_speed_of_users(self) -> None:
        assert seconds_left(500, steady(10, requests=99, users=5)) == 100

    def test_nothing_left_takes_no_time(self) -> None:
        assert seconds_left(0, [Sample(0, 0, 0, 0)]) == 0
        assert seconds_left(-3, [Sample(0, 0, 0, 0)]) == 0

    def test_while_nothing_moves_nobody_can_tell(self) -> None:
        assert seconds_left(5, steady(10, requests=99, users=0)) is None


class TestFigures:
    def tally(self, *events: object) -> RunTally:
        tally = RunTally()
        for event in events:
            tally.observe(event)
        return tally

    def test_they_come_from_tally_pace_and_samples(self) -> None:
        tally = self.tally(
            RunResumed("r-1", 10, 30, 99),
            RosterComplete(40),
            RequestAnswered("GET", 429, 0.1, None),
            UserRead("US1", 7, 1),
        )

        now = figures(tally, FakePace(window=9.7, in_flight=4), steady(2, requests=3, users=1), began=90.0)

        assert (now.users_done, now.users_listed, now.rows, now.throttled) == (11, 40, 106, 1)
        assert (now.window, now.in_flight, now.elapsed_seconds) == (9, 4, 12)
        assert (now.requests_per_second, now.seconds_left) == (3, 29)

    def test_a_window_below_one_is_shown_as_one(self) -> None:
        assert figures(RunTally(), FakePace(window=0.03), [Sample(0, 0, 0, 0)], began=0).window == 1

    def test_trouble_is_told_when_nothing_has_succeeded_for_a_while(self) -> None:
        failing = self.tally(RequestAnswered("GET", 503, 0.1, None), a_retry("status 503"))
        recovered = self.tally(a_retry("status 503"), RequestAnswered("GET", 200, 0.1, None))
        stuck = [Sample(float(second), second, 5, 0) for second in range(10)]

        assert figures(failing, None, stuck, began=0).trouble == "status 503"
        assert figures(failing, None, stuck[:3], began=0).trouble == ""
        assert figures(failing, None, steady(9, requests=3, users=0), began=0).trouble == ""
        assert figures(recovered, None, stuck, began=0).trouble == ""

    def test_while_the_roster_grows_nobody_can_tell_the_time_left(self) -> None:
        tally = self.tally(RunResumed("r-1", 10, 30, 99))

        assert figures(tally, None, steady(2, requests=3, users=1), began=0).seconds_left is None


class TestSentence:
    def test_a_run_half_way_through(self) -> None:
        assert sentence(half_way()) == "1 000 of 2 000 users, 5 123 rows, 42 requests/s, 87 of 96 in flight, 3 × 429"

    def test_a_roster_that_still_grows(self) -> None:
        assert "of 2 000 or more users" in sentence(half_way(roster_is_complete=False))

    def test_before_the_first_user_is_known_nobody_counts_to_nothing(self) -> None:
        assert sentence(half_way(users_done=0, users_listed=0, roster_is_complete=False)).startswith(
            "no user known yet, "
        )

    def test_failures_are_told_where_there_are_some(self) -> None:
        assert sentence(half_way(users_failed=1200)).endswith("1 200 failed")
        assert "failed" not in sentence(half_way())

    def test_without_a_pace_nothing_is_said_of_it(self) -> None:
        assert "in flight" not in sentence(half_way(window=0))

    def test_the_last_stages(self) -> None:
        assert sentence(half_way(stage="compacting", stage_done=1000, stage_all=9999)) == "merging 1 000 of 9 999 rows"
        assert sentence(half_way(stage="publishing", stage_done=1, stage_all=9)) == "publishing 1 of 9 files"


class TestOutlook:
    def test_the_time_left(self) -> None:
        assert outlook(half_way()) == "2 min left"

    def test_an_outage_goes_before_it(self) -> None:
        assert outlook(half_way(outage_seconds=40.0)) == "no answer for 40 s"

    def test_trouble_goes_before_it_too(self) -> None:
        assert outlook(half_way(trouble="status 503")) == "trying again (status 503)"
        assert outlook(half_way(outage_seconds=40.0, trouble="status 503")) == "no answer for 40 s (status 503)"

    def test_nothing_where_nobody_can_tell(self) -> None:
        assert outlook(half_way(seconds_left=None)) == ""
        assert outlook(half_way(stage="publishing")) == ""
        assert outlook(half_way(stage="publishing", trouble="status 503")) == ""
