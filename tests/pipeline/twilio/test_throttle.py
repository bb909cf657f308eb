"""Throttled: one attempt per admission, each outcome reported; 429s and outages are waited out."""

import asyncio

import pytest
from msgspec.structs import replace

from readstate.errors import NotSent, StoppedEarly, TooLate, Unanswered, UnusableAnswer
from readstate.events import (
    Event,
    OutageBegan,
    PauseBegan,
    RequestAnswered,
    RequestLost,
    Retried,
    WindowFound,
)
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.throttle import FIRST_CONTACT_SECONDS, Throttled
from tests.helpers.fake_clock import FakeClock
from tests.helpers.scripted_transport import ScriptedTransport, answer

READ = Request("GET", "/v1/Users/US1")
WRITE = Request("POST", "/v1/Services/IS1/Users/US1")
TOO_MANY = answer(429, {"code": 20429})


class Bench:
    """A throttled script, its clock, its limiter, and what observers heard."""

    def __init__(self, *steps: object, settings: LimiterSettings | None = None, **seconds: float) -> None:
        self.clock = FakeClock()
        self.limiter = AdaptiveLimiter(settings or LimiterSettings())
        self.events: list[Event] = []
        self.inner = ScriptedTransport(*steps)  # type: ignore[arg-type]
        self.throttled = Throttled(self.inner, self.limiter, self.clock, self.events.append, **seconds)

    def heard(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def break_down(self) -> None:
        for _ in range(10):
            with pytest.raises(Unanswered):
                await self.throttled.send(READ)


def broken(*then: object, settings: LimiterSettings | None = None) -> Bench:
    return Bench(*[Unanswered("gone")] * 10, *then, settings=settings)


async def test_an_answer_comes_back_whatever_its_status_after_exactly_one_attempt() -> None:
    bench = Bench(answer(200), answer(404), answer(503))

    statuses = [(await bench.throttled.send(READ)).status for _ in range(3)]

    assert statuses == [200, 404, 503]
    assert bench.inner.sent == 3
    assert bench.limiter.in_flight == 0
    assert [event.status for event in bench.heard(RequestAnswered)] == statuses


async def test_lost_requests_are_raised_and_observers_hear_whether_they_left() -> None:
    bench = Bench(NotSent("no route"), Unanswered("reset"))

    for error in (NotSent, Unanswered):
        with pytest.raises(error):
            await bench.throttled.send(READ)

    assert [event.sent for event in bench.heard(RequestLost)] == [False, True]
    assert bench.limiter.in_flight == 0


async def test_a_429_is_sent_again_and_observers_hear_what_was_learned() -> None:
    bench = Bench(answer(429, {"code": 20429}, {"retry-after": "2"}), answer())

    response = await bench.throttled.send(READ)

    assert (response.status, bench.inner.sent) == (200, 2)
    assert bench.heard(PauseBegan) == [PauseBegan(None, 2.0)]
    assert bench.heard(WindowFound)
    assert bench.heard(Retried) == [Retried("GET", READ.path, "status 429", 0, 2.0, "RQ" + "0" * 32)]


async def test_a_request_that_is_refused_again_and_again_is_sent_less_and_less_often_and_never_given_up() -> None:
    bench = Bench(*[TOO_MANY] * 40, answer())
    began = bench.clock.monotonic()

    response = await bench.throttled.send(READ)

    assert response.status == 200
    assert bench.clock.monotonic() - began > 100


async def test_a_refused_request_steps_aside_for_a_moment() -> None:
    bench = Bench(answer(429, {"code": 50063}), answer())

    await bench.throttled.send(WRITE)

    assert bench.clock.slept[0] == pytest.approx(0.3)
    assert bench.heard(Retried) == [Retried("POST", WRITE.path, "status 429", 0, 0.3, "RQ" + "0" * 32)]


async def test_a_write_that_is_admitted_too_late_is_not_sent_and_frees_its_slot() -> None:
    bench = Bench(answer(204))

    with pytest.raises(TooLate):
        await bench.throttled.send(replace(WRITE, leave_by=bench.clock.monotonic() - 0.1))

    assert bench.inner.sent == 0
    assert bench.limiter.in_flight == 0


async def test_a_refused_write_is_sent_again_only_while_it_may_still_leave() -> None:
    bench = Bench(answer(429, {"code": 20429}, {"retry-after": "60"}))

    with pytest.raises(TooLate) as late:
        await bench.throttled.send(replace(WRITE, leave_by=bench.clock.monotonic() + 5))

    assert bench.inner.sent == late.value.throttled == 1


async def test_a_response_and_a_failure_say_how_often_the_request_was_refused_before() -> None:
    bench = Bench(answer(200), TOO_MANY, TOO_MANY, answer(204), TOO_MANY, Unanswered("reset"))

    responses = [await bench.throttled.send(WRITE) for _ in range(2)]
    with pytest.raises(Unanswered) as lost:
        await bench.throttled.send(WRITE)

    assert [response.throttled for response in responses] == [0, 2]
    assert lost.value.throttled == 1


async def test_writes_are_spaced_to_fewer_than_thirty_a_second() -> None:
    bench = Bench(*[answer()] * 60)
    began = bench.clock.monotonic()

    for _ in range(60):
        await bench.throttled.send(WRITE)

    assert 60 / 30 <= bench.clock.monotonic() - began <= 60 / 25


async def test_max_rate_bounds_everything() -> None:
    bench = Bench(*[answer()] * 21, settings=LimiterSettings(max_rate=10))
    began = bench.clock.monotonic()

    for _ in range(21):
        await bench.throttled.send(READ)

    assert bench.clock.monotonic() - began >= 1.9


async def test_a_pause_of_many_minutes_stops_the_run_with_what_to_do() -> None:
    bench = Bench(answer(429, {"code": 20429}, {"retry-after": "3600"}))

    with pytest.raises(StoppedEarly, match="pause of 3600 seconds") as stopped:
        await bench.throttled.send(READ)

    assert "same command" in str(stopped.value)
    assert bench.limiter.in_flight == 0


async def test_an_unusable_answer_is_no_sign_of_an_outage() -> None:
    bench = Bench(*[UnusableAnswer("too large")] * 20)

    for _ in range(20):
        with pytest.raises(UnusableAnswer):
            await bench.throttled.send(READ)

    assert not bench.heard(OutageBegan)


async def test_a_probe_that_fails_is_no_attempt_of_any_request() -> None:
    bench = broken(answer(503), Unanswered("still gone"), answer(200))
    await bench.break_down()

    response = await bench.throttled.send(READ)

    assert response.status == 200
    assert bench.inner.sent == 13


async def test_a_write_is_never_a_probe() -> None:
    bench = broken(answer(), answer(), answer(), answer(201))
    await bench.break_down()

    response = await bench.throttled.send(WRITE)

    assert response.status == 201
    assert [request.path for request in bench.inner.requests[10:]] == ["/v1/Configuration"] * 3 + [WRITE.path]


async def test_an_outage_that_lasts_too_long_stops_the_run() -> None:
    bench = Bench(
        answer(), *[Unanswered("gone")] * 10, *[answer(503)] * 100, settings=LimiterSettings(max_outage_seconds=120)
    )
    await bench.throttled.send(READ)
    await bench.break_down()
    began = bench.clock.monotonic()

    with pytest.raises(StoppedEarly, match="no usable answer"):
        await bench.throttled.send(READ)

    assert 120 < bench.clock.monotonic() - began <= 130
    assert 18 <= bench.inner.sent - 11 <= 40  # about one probe each five seconds
    assert bench.limiter.in_flight == 0


async def test_before_the_first_answer_a_run_waits_a_minute_and_names_the_cause() -> None:
    bench = Bench(*[Unanswered("reset by peer")] * 100)
    await bench.break_down()
    began = bench.clock.monotonic()

    with pytest.raises(StoppedEarly, match="reset by peer"):
        await bench.throttled.send(READ)

    assert bench.clock.monotonic() - began <= FIRST_CONTACT_SECONDS + 10


async def test_a_lasting_failure_ends_the_run_at_once_unless_something_was_answered_before() -> None:
    unknown = NotSent("the host name cannot be resolved", hint="Check DNS", is_lasting=True)
    bench = Bench(unknown)
    with pytest.raises(StoppedEarly, match=r"cannot be resolved\nCheck DNS"):
        await bench.throttled.send(READ)

    bench = Bench(answer(), unknown)
    await bench.throttled.send(READ)
    with pytest.raises(NotSent):
        await bench.throttled.send(READ)


async def test_a_probe_that_hangs_has_failed() -> None:
    async def hang(request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    bench = Bench(*[Unanswered("gone")] * 10, answer(), probe_seconds=0.01)
    await bench.break_down()
    scripted, bench.inner.send = bench.inner.send, hang  # type: ignore[method-assign]
    sending = asyncio.create_task(bench.throttled.send(READ))
    while max(bench.clock.slept, default=0) < 1.5:  # until a failed probe has delayed the next one
        await asyncio.sleep(0.01)
    bench.inner.send = scripted  # type: ignore[method-assign]

    assert (await sending).status == 200
