import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate import events
from readstate.observers.event_log import EventLog, Level
from tests.helpers.fake_clock import FakeClock
from tests.helpers.progress import half_way

FAILED = events.UserFailed("US1", "status 500", "RQ123")


class Lines(list[str]):
    """A log that writes into a list."""

    def __init__(self, log_format: Any = "text", *, prints_progress: bool = True, level: Level = "info") -> None:
        super().__init__()
        self.log = EventLog(
            self.append, clock=FakeClock(), log_format=log_format, prints_progress=prints_progress, level=level
        )

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self]


@pytest.fixture
def lines() -> Lines:
    return Lines()


class TestText:
    @pytest.mark.parametrize(
        ("event", "line"),
        [
            (FAILED, "warning: user US1 failed: status 500, request RQ123"),
            (
                events.RetriesExhausted("GET", "/v1/Users", "status 502", 6, "RQ1"),
                "warning: gave up GET /v1/Users after 6 attempts: status 502, request RQ1",
            ),
            (
                events.RunResumed("r-1", 1000, 5, 12345),
                "resuming r-1: 1 000 users done, 5 left, 12 345 rows kept",
            ),
            (
                events.UsersForeseen(1990),
                "1 990 users are known from the previous snapshot: reading them first",
            ),
            (events.RosterComplete(2000), "2 000 users to read"),
            (events.RosterComplete(1), "1 user to read"),
            (
                events.RetryBudgetSpent(0.2),
                "warning: more than 20% of requests are retries: waiting longer before each",
            ),
            (
                events.PageShrunk("/v1/Users", 25),
                "GET /v1/Users keeps failing: asking for 25 rows",
            ),
            (events.WindowFound(96.4), "the account admits about 96 requests at once"),
            (events.PauseBegan(None, 7), "Twilio requests a pause of 7 s"),
            (
                events.OutageBegan(),
                ("warning: no request succeeds: waiting for Twilio. To check, in another terminal:  readstate doctor"),
            ),
            (events.OutageEnded(90), "requests succeed again after 1 min 30 s"),
            (
                events.UnknownFields(("mood", "colour")),
                "warning: Twilio sends fields that the schema does not know: mood, colour",
            ),
            (events.DuplicatesDropped(1200), "1 200 rows came twice and are kept once"),
            (events.Message("a sentence"), "a sentence"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_is_worth_a_line(self, lines: Lines, event: object, line: str) -> None:
        lines.log.observe(event)

        assert lines == [f"2026-11-23 02:00:00Z {line}"]

    @pytest.mark.parametrize(
        "event",
        [
            events.RequestAnswered("GET", 200, 0.1, {}),
            events.UserRead("US1", 7, 1),
            events.Retried("GET", "/", "500", 1, 1.0, None),
            events.PartWritten(1, 1, 1),
            object(),
        ],
    )
    def test_what_happens_thousands_of_times_is_not(self, lines: Lines, event: object) -> None:
        lines.log.observe(event)

        assert lines == []

    def test_a_request_id_that_the_reason_names_is_not_repeated(self, lines: Lines) -> None:
        lines.log.observe(events.UserFailed("US1", "answered 500, request RQ123", "RQ123"))

        assert lines[0].count("RQ123") == 1

    @given(st.text())
    def test_an_event_is_one_line_whatever_twilio_sent(self, text: str) -> None:
        lines = Lines()
        lines.log.observe(events.UserFailed(text, text, text))

        assert len(lines) == 1
        assert len(lines[0].splitlines()) == 1
        assert "\x1b" not in lines[0]


class TestLevels:
    @pytest.mark.parametrize(
        ("level", "shown"),
        [
            ("error", ""),
            ("warning", "no request succeeds"),
            ("info", "no request succeeds|a sentence|1 000 of 2 000 users"),
            ("debug", "no request succeeds|a sentence|user US1 no longer exists, request RQ9|1 000 of 2 000 users"),
            (
                "trace",
                (
                    "no request succeeds|a sentence|user US1 no longer exists, request RQ9"
                    "|GET answered 200 in 120 ms, request RQ1|user US1: 7 rows, 1 page|1 000 of 2 000 users"
                ),
            ),
        ],
    )
    def test_a_level_shows_itself_and_all_that_is_graver(self, level: Level, shown: str) -> None:
        lines = Lines(level=level)
        for event in (
            events.OutageBegan(),
            events.Message("a sentence"),
            events.UserVanished("US1", "RQ9"),
            events.RequestAnswered("GET", 200, 0.12, {"twilio-request-id": "RQ1"}),
            events.UserRead("US1", 7, 1),
        ):
            lines.log.observe(event)
        lines.log.update(half_way())

        expected = shown.split("|") if shown else []
        assert len(lines) == len(expected), lines
        assert all(part in line for part, line in zip(expected, lines, strict=True)), lines

    @pytest.mark.parametrize(("level", "shown"), [("info", 20), ("debug", 1000)])
    def test_of_a_thousand_failed_users_twenty_are_shown_unless_all_are_wanted(self, level: Level, shown: int) -> None:
        lines = Lines(level=level)
        for _ in range(1000):
            lines.log.observe(FAILED)
        lines.log.observe(events.Message("a sentence"))

        assert len(lines) == shown + 1
        assert ("further lines like this are only counted (-v prints them)" in lines[19]) is (level == "info")


class TestJson:
    def test_a_line_is_one_object_with_the_facts_of_its_event(self) -> None:
        lines = Lines("json")
        lines.log.observe(FAILED)

        assert lines.documents == [
            {
                "time": "2026-11-23T02:00:00.000+00:00",
                "level": "warning",
                "event": "user_failed",
                "message": "user US1 failed: status 500, request RQ123",
                "user_sid": "US1",
                "reason": "status 500",
                "request_id": "RQ123",
            }
        ]

    @given(st.text())
    def test_control_characters_stay_escaped_and_the_text_comes_back_whole(self, text: str) -> None:
        lines = Lines("json")
        lines.log.observe(events.UserFailed("US1", text, None))

        assert lines[0].isascii()
        assert lines[0].isprintable() or "\x7f" in lines[0]
        assert lines.documents[0]["reason"] == text

    def test_the_levels_are_those_that_collectors_know(self) -> None:
        lines = Lines("json")
        for event in (events.OutageBegan(), events.Message("x")):
            lines.log.observe(event)

        assert [document["level"] for document in lines.documents] == ["warning", "info"]
        assert set(get_args(Level)) == {"error", "warning", "info", "debug", "trace"}

    def test_the_figures_are_an_object_too(self) -> None:
        lines = Lines("json")
        lines.log.update(half_way())

        assert lines.documents[0]["event"] == "figures"
        assert lines.documents[0]["requests_per_second"] == 41.6


class TestFigures:
    def test_they_are_told_each_thirty_seconds(self, lines: Lines) -> None:
        for second in range(100):
            lines.log.update(half_way(elapsed_seconds=float(second)))

        assert len(lines) == 3

    def test_a_line_tells_how_far_the_run_is_and_how_long_it_will_take(self, lines: Lines) -> None:
        lines.log.update(half_way())
        lines.log.update(half_way(elapsed_seconds=95.0, seconds_left=None))

        assert lines[0].endswith("429s: 3, 87 of 96 in flight, 2 min left")
        assert lines[1].endswith("429s: 3, 87 of 96 in flight")

    def test_beside_a_progress_bar_they_are_not_told(self) -> None:
        lines = Lines(prints_progress=False)
        lines.log.update(half_way())

        assert lines == []
