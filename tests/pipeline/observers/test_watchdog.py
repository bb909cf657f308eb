"""What a run that does not move says, and when it says nothing."""

from collections.abc import Sequence

import pytest

from readstate import events
from readstate.events import Event
from readstate.observers.watchdog import QUIET_SECONDS, Watchdog
from readstate.twilio.pacing.limiter import LimiterView

IDLE = LimiterView(window=20, in_flight=0, outage_seconds=0.0, rates={})
REFUSED = events.RequestAnswered("GET", 429, 0.1, {})
LOST = events.RequestLost("GET", "/v1/Users", "no complete response", sent=True)
NOTHING_KNOWN = ("an unknown cause",)


def view(in_flight: int = 0, **figures: float) -> LimiterView:
    return LimiterView(20, in_flight, figures.pop("outage_seconds", 0.0), {}, **figures)  # type: ignore[arg-type]


def told(
    watchdog: Watchdog, begin: int, end: int, limiter: LimiterView | None = IDLE, threads: Sequence[str] = ()
) -> dict[int, events.StillWaiting]:
    """Ask *watchdog* every second; return what it said, each by its second."""
    asked = ((now, watchdog.due(float(now), limiter, threads)) for now in range(begin, end))
    return {now: said for now, said in asked if said is not None}


@pytest.mark.parametrize(
    ("seen", "limiter", "threads", "expected"),
    [
        ([], IDLE, [], NOTHING_KNOWN),
        ([], None, ["Checkpoint.claim"], ("this machine, in Checkpoint.claim",)),
        ([], view(12, waiting=3), [], ("answers to 12 requests", "the rate limit, before 3 requests")),
        (
            [REFUSED, REFUSED],
            view(pause_seconds=40.0),
            [],
            (
                "the account's rate limit (2 answers with 429)",
                "the end of a pause that Twilio asked for, in 40 s",
            ),
        ),
        (
            [LOST, events.OutageBegan()],
            view(outage_seconds=58.0),
            [],
            ("Twilio, where no request has succeeded for 58 s (no complete response)",),
        ),
        (
            [events.RequestAnswered("GET", 503, 0.1, {}), events.Retried("GET", "/", "status 503", 5, 75.0, None)],
            IDLE,
            [],
            ("another attempt in 15 s (status 503)",),
        ),
        ([events.WritesHeld("the file PAUSE exists")], IDLE, [], ("held rows: the file PAUSE exists",)),
        ([events.WritesHeld("PAUSE"), events.WritesGoOn(5.0)], IDLE, [], NOTHING_KNOWN),
    ],
    ids=["nothing", "a thread", "answers", "429", "an outage", "a retry", "held rows", "rows held no longer"],
)
def test_after_a_minute_it_says_what_the_run_waits_for(
    seen: list[Event], limiter: LimiterView | None, threads: Sequence[str], expected: tuple[str, ...]
) -> None:
    watchdog = Watchdog(0.0)
    for event in seen:
        watchdog.observe(event, 0.0)

    (waiting,) = told(watchdog, 0, 61, limiter, threads).values()
    assert waiting == events.StillWaiting(QUIET_SECONDS, expected)


@pytest.mark.parametrize(
    "event",
    [
        events.RequestAnswered("GET", 200, 0.1, {}),
        events.RequestAnswered("GET", 404, 0.1, {}),
        events.UserRead("US1", 1, 1),
        events.PartWritten(1, 1, 1),
        events.RowSettled(1, "applied", None, None, None),
        events.Publishing(1, 2),
    ],
    ids=lambda event: type(event).__name__,
)
def test_it_is_quiet_while_something_moves(event: Event) -> None:
    watchdog = Watchdog(0.0)
    told(watchdog, 0, 30)
    watchdog.observe(REFUSED, 10.0)
    watchdog.observe(event, 30.0)

    assert told(watchdog, 30, 91) == {90: events.StillWaiting(60.0, NOTHING_KNOWN)}


@pytest.mark.parametrize("event", [REFUSED, LOST, events.OutageBegan(), events.PauseBegan(None, 5), events.Message("")])
def test_trouble_is_no_progress(event: Event) -> None:
    watchdog = Watchdog(0.0)
    told(watchdog, 0, 59)
    watchdog.observe(event, 59.0)

    assert told(watchdog, 59, 61).keys() == {60}


def test_it_speaks_ever_more_rarely_until_something_moves() -> None:
    watchdog = Watchdog(0.0)
    assert list(told(watchdog, 0, 1_000)) == [60, 120, 240, 480, 960]

    watchdog.observe(events.UserRead("US1", 1, 1), 1_000.0)

    assert list(told(watchdog, 1_000, 1_130)) == [1_060, 1_120]


def test_a_person_who_is_asked_may_take_any_time() -> None:
    watchdog = Watchdog(0.0)
    watchdog.observe(events.AnswerAwaited("Go on?"), 1.0)
    assert told(watchdog, 0, 600) == {}

    watchdog.observe(events.Message("yes"), 600.0)

    assert told(watchdog, 600, 602)


def test_a_machine_that_was_busy_computing_did_not_wait() -> None:
    watchdog = Watchdog(0.0)
    assert watchdog.due(300.0, IDLE, ()) is None

    assert told(watchdog, 300, 361).keys() == {360}
