"""How the window, the pacers and the breaker act together."""

import pytest

from readstate.events import Event, OutageBegan, OutageEnded, PauseBegan, WindowFound
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings, Sent

WRITES = "writes:IS1"


def adaptive_limiter(**changes: float) -> AdaptiveLimiter:
    return AdaptiveLimiter(LimiterSettings(**changes))  # type: ignore[arg-type]


def refuse(
    limiter: AdaptiveLimiter, sent: Sent, now: float = 1.0, *, code: int | None = 20429, after: float | None = None
):
    return limiter.refused(now, sent, code=code, retry_after=after, chance=0.0)


def break_down(limiter: AdaptiveLimiter, now: float = 1.0) -> None:
    for _ in range(10):
        limiter.failed(now, limiter.sent(now, None), chance=0.5)


@pytest.mark.parametrize("code", [20429, 429, None])
def test_too_many_at_once_is_learned_by_the_window(code: int | None) -> None:
    limiter = adaptive_limiter(initial_in_flight=40)
    sent = [limiter.sent(1.0, None) for _ in range(40)]

    events = refuse(limiter, sent[-1], code=code)

    assert events == [WindowFound(38.0)]
    assert limiter.view(1.0).rates == {}


def test_an_idle_window_does_not_grow() -> None:
    limiter = adaptive_limiter(initial_in_flight=40)
    for second in range(50):
        limiter.accepted(second + 0.1, limiter.sent(float(second), None))

    assert limiter.view(50.0).window == 40


def test_a_known_account_is_begun_at_what_it_admits_unless_it_has_refused_already() -> None:
    known, refused = adaptive_limiter(), adaptive_limiter()
    refuse(refused, refused.sent(1.0, None))

    for limiter in (known, refused):
        limiter.begin_at(2.0, 50.0)

    assert known.view(2.0).window == 50
    assert known.window.slow_start
    assert refused.view(2.0).window < 4


@pytest.mark.parametrize("code", [50063, 50074, 12345])
def test_too_fast_is_learned_by_the_pacer_that_was_refused(code: int) -> None:
    limiter = adaptive_limiter()
    refuse(limiter, limiter.sent(1.0, WRITES), code=code)

    assert limiter.view(1.0).rates[WRITES] < 27
    assert limiter.view(1.0).window == 4


def test_a_pause_for_writes_lets_reads_go_on() -> None:
    limiter = adaptive_limiter()
    events = refuse(limiter, limiter.sent(1.0, WRITES), code=50063, after=5.0)

    assert PauseBegan(WRITES, 5.0) in events
    assert limiter.ready_at(1.0, WRITES) >= 6.0
    assert limiter.ready_at(1.0, None) <= 1.0


def test_a_pause_is_one_event() -> None:
    limiter = adaptive_limiter()
    first, second = limiter.sent(1.0, None), limiter.sent(1.0, None)

    assert PauseBegan(None, 5.0) in refuse(limiter, first, after=5.0)
    assert PauseBegan(None, 5.0) not in refuse(limiter, second, after=5.0)


def test_an_outage_is_an_event_when_it_begins_and_when_it_ends() -> None:
    limiter = adaptive_limiter(initial_in_flight=20)
    events = [limiter.failed(1.0, limiter.sent(1.0, None), chance=0.5) for _ in range(10)]

    assert events[-1] == (OutageBegan(),)

    ending = list[Event]()
    for now in (5.0, 6.0, 7.0):
        ending += limiter.accepted(now, limiter.sent(now, None))

    assert ending == [OutageEnded(6.0)]


def test_answers_to_what_was_sent_before_an_outage_neither_end_nor_prolong_it() -> None:
    limiter = adaptive_limiter(initial_in_flight=20)
    earlier = [limiter.sent(0.5, None) for _ in range(5)]
    break_down(limiter)

    probe_at = limiter.ready_at(1.5, None)

    for sent in earlier[2:]:
        limiter.accepted(1.5, sent)
    limiter.failed(1.5, earlier[0], chance=0.5)
    refuse(limiter, earlier[1], 1.5)

    assert limiter.ready_at(2.0, None) == probe_at
    assert limiter.outage_seconds(3.0) == 2.0


def test_a_probe_that_is_refused_or_cancelled_is_followed_by_another() -> None:
    limiter = adaptive_limiter(initial_in_flight=20)
    break_down(limiter)

    refuse(limiter, limiter.sent(3.0, None), 3.0)
    assert limiter.ready_at(3.0, None) == 4.0

    limiter.cancelled(5.0, limiter.sent(4.0, None))
    assert limiter.ready_at(5.0, None) == 5.0
