import pytest

from readstate.events import (
    Event,
    PagesForeseen,
    RequestAnswered,
    Retried,
    RosterComplete,
    RosterPageRead,
    RunResumed,
    UserRead,
    UsersForeseen,
    UserVanished,
)
from readstate.observers.progress import eta, measure, progress_line
from readstate.observers.rate_meter import RateMeter
from readstate.observers.run_counters import RunCounters
from readstate.twilio.pacing.limiter import LimiterView
from tests.helpers.progress import counted, half_way
from tests.pipeline.observers.test_rate_meter import Sample, metered, steady

IDLE = metered([Sample(0, 0, 0, 0)])
STUCK = metered([Sample(float(second), second, 5, 0) for second in range(10)])


def view(*, window: float, in_flight: int = 0) -> LimiterView:
    return LimiterView(window, in_flight, outage_seconds=0.0, rates={})


class TestMeasure:
    def test_progress_comes_from_counters_limiter_and_rates(self) -> None:
        counters = counted(
            RunResumed("r-1", 10, 30, 99),
            RosterComplete(40),
            RequestAnswered("GET", 429, 0.1, {}),
            UserRead("US1", 7, 1),
        )

        now = measure(counters, view(window=9.7, in_flight=4), steady(2, requests=3, done=1), began=90.0)

        assert (now.share, now.counters.all_rows) == (11 / 40, 106)
        assert (now.window, now.in_flight, now.elapsed_seconds) == (9, 4, 12)
        assert (now.requests_per_second, now.seconds_left) == (3, 29)

    def test_a_window_below_one_is_shown_as_one(self) -> None:
        assert measure(RunCounters(), view(window=0.03), IDLE, began=0).window == 1

    @pytest.mark.parametrize(
        ("rates", "events", "shown"),
        [
            (STUCK, ["503", "retry"], "status 503"),
            (steady(9, requests=3, done=0), ["503", "retry"], ""),
            (STUCK, ["retry", "200"], ""),
        ],
        ids=["failing", "other requests succeed", "recovered"],
    )
    def test_the_last_error_is_shown_once_nothing_succeeds(
        self, rates: RateMeter, events: list[str], shown: str
    ) -> None:
        happened = {
            "503": RequestAnswered("GET", 503, 0.1, {}),
            "200": RequestAnswered("GET", 200, 0.1, {}),
            "retry": Retried("GET", "/v1/Users", "status 503", 1, 0.5, None),
        }

        assert measure(counted(*(happened[name] for name in events)), None, rates, began=0).last_error == shown

    def test_while_the_roster_grows_share_and_time_left_are_unknown(self) -> None:
        now = measure(counted(RunResumed("r-1", 10, 30, 99)), None, steady(2, requests=3, done=1), began=0)

        assert (now.share, now.seconds_left) == (None, None)

    @pytest.mark.parametrize(
        ("events", "share", "seconds_left"),
        [
            ([UserRead("US1", 500, 10)], 0.1, 45),
            ([RunResumed("r-1", 1, 1, 500), PagesForeseen(100, 30, 0), UserRead("US1", 500, 10)], 0.4, 30),
            ([UserRead("US1", 9_999, 199)], 199 / 200, 0.5),
            ([PagesForeseen(100, 0, 10), RosterPageRead("IS1", 0), UserRead("US1", 4_500, 90)], 0.1, 22.5),
            ([RosterComplete(2), UserRead("US1", 2_500, 50), UserVanished("US2", None)], 1.0, 0),
        ],
        ids=["by pages, not users", "resumed", "lists have grown", "the list is slower than reading", "all read"],
    )
    def test_by_the_previous_snapshot_both_are_known_from_the_first_page(
        self, events: list[Event], share: float, seconds_left: float
    ) -> None:
        known = counted(UsersForeseen(2), PagesForeseen(100, 0, 0), *events)

        rates = metered([Sample(0, 0, 0, 0), Sample(5, 45, 45, 10, 2)])

        now = measure(known, None, rates, began=0)

        assert now.is_estimate == (share < 1)
        assert (now.share, now.seconds_left) == (pytest.approx(share), pytest.approx(seconds_left))


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, "1 000 of 2 000 users, 5 123 rows, 42 requests/s, 429s: 3, 87 of 96 in flight"),
        (
            {"roster_is_complete": False, "window": 0},
            "1 000 users (their total is not known yet), 5 123 rows, 42 requests/s, 429s: 3",
        ),
        (
            {"users_read": 0, "users_listed": 0, "roster_is_complete": False, "rows": 0, "window": 0},
            "0 users (their total is not known yet), 0 rows, 42 requests/s, 429s: 3",
        ),
        (
            {"users_failed": 120, "window": 0},
            "1 120 of 2 000 users, 120 failed, 5 123 rows, 42 requests/s, 429s: 3",
        ),
        ({"users_read": 2000}, "2 000 of 2 000 users, 5 123 rows"),
        ({"stage": "compacting", "stage_done": 1000, "stage_all": 9999}, "merging 1 000 of 9 999 rows"),
        ({"stage": "publishing", "stage_done": 1, "stage_all": 9}, "publishing 1 of 9 files"),
        (
            {"stage": "applying", "stage_done": 3, "stage_all": 9, "outcomes": {"not_found": 1, "applied": 2}},
            "3 of 9 rows, applied 2, not found 1, 42 requests/s, 429s: 3",
        ),
    ],
)
def test_the_line_of_each_stage(changed: dict[str, object], line: str) -> None:
    assert progress_line(half_way(**changed)) == line


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({}, "2 min left"),
        ({"seconds_left": None}, ""),
        ({"outage_seconds": 40.0}, "no answer for 40 s"),
        ({"last_error": "status 503"}, "trying again (status 503)"),
        ({"outage_seconds": 40.0, "last_error": "status 503"}, "no answer for 40 s (status 503)"),
        ({"users_read": 2000}, "saving"),
        ({"stage": "compacting"}, "saving"),
        ({"stage": "publishing", "last_error": "status 503"}, "saving"),
    ],
)
def test_the_time_left_or_why_it_is_unknown(changed: dict[str, object], text: str) -> None:
    assert eta(half_way(**changed)) == text
