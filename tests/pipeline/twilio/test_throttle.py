"""Throttled: one attempt per turn, every fate reported, and an outage waited out by probes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from readstate.errors import NotSent, StoppedEarly, Unanswered, UnusableAnswer
from readstate.events import (
    Event,
    GateClosed,
    OutageBegan,
    OutageEnded,
    RequestAnswered,
    RequestLost,
    RequestRefused,
    WindowFound,
)
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.throttle import Throttled
from tests.helpers.fake_clock import FakeClock
from tests.helpers.scripted_transport import ScriptedTransport, answer

READ = Request("GET", "/v1/Users/US1")
WRITE = Request("POST", "/v1/Users/US1", domain="writes:IS1")


class Bench:
    """A throttled script, its clock, its limiter, and what observers heard."""

    def __init__(self, *steps: object, settings: LimiterSettings | None = None) -> None:
        self.clock = FakeClock()
        self.limiter = AdaptiveLimiter(settings or LimiterSettings())
        self.events: list[Event] = []
        self.inner = ScriptedTransport(*steps)  # type: ignore[arg-type]
        self.throttled = Throttled(self.inner, self.limiter, self.clock, self.events.append)

    def heard(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def break_down(self) -> None:
        for _ in range(10):
            with pytest.raises(Unanswered):
                await self.throttled.send(READ)


def broken(*then: object, settings: LimiterSettings | None = None) -> Bench:
    return Bench(*[Unanswered("gone")] * 10, *then, settings=settings)


async def test_an_answer_comes_back_whatever_its_status_after_exactly_one_attempt():
    bench = Bench(answer(200), answer(404), answer(503), answer(429, {"code": 20429}))

    statuses = [(await bench.throttled.send(READ)).status for _ in range(4)]

    assert statuses == [200, 404, 503, 429]
    assert bench.inner.sent == 4
    assert bench.limiter.in_flight == 0
    assert [event.status for event in bench.heard(RequestAnswered)] == statuses


async def test_lost_requests_are_raised_and_observers_hear_whether_they_left():
    bench = Bench(NotSent("no route"), Unanswered("reset"))

    for error in (NotSent, Unanswered):
        with pytest.raises(error):
            await bench.throttled.send(READ)

    assert [event.sent for event in bench.heard(RequestLost)] == [False, True]
    assert bench.limiter.in_flight == 0


async def test_a_429_tells_observers_its_code_and_what_was_learned():
    bench = Bench(answer(429, {"code": 20429}, {"retry-after": "2"}))

    await bench.throttled.send(READ)

    assert bench.heard(RequestRefused) == [RequestRefused(None, 20429, 2.0)]
    assert bench.heard(GateClosed) == [GateClosed(None, 2.0)]
    assert bench.heard(WindowFound)


async def test_after_a_retry_after_everybody_waits_for_its_end():
    bench = Bench(answer(429, {"code": 20429}, {"retry-after": "2"}), answer())
    await bench.throttled.send(READ)
    began = bench.clock.monotonic()

    await bench.throttled.send(READ)

    assert 2.0 <= bench.clock.monotonic() - began <= 2.1


async def test_writes_that_go_too_fast_do_not_hold_reads():
    bench = Bench(answer(429, {"code": 50063}, {"retry-after": "60"}), answer())
    await bench.throttled.send(WRITE)
    began = bench.clock.monotonic()

    await bench.throttled.send(READ)

    assert bench.clock.monotonic() - began < 1


async def test_writes_are_spaced_to_fewer_than_thirty_a_second():
    bench = Bench(*[answer()] * 60)
    began = bench.clock.monotonic()

    for _ in range(60):
        await bench.throttled.send(WRITE)

    assert 60 / 30 <= bench.clock.monotonic() - began <= 60 / 25


async def test_max_rate_bounds_everything():
    bench = Bench(*[answer()] * 21, settings=LimiterSettings(max_rate=10))
    began = bench.clock.monotonic()

    for _ in range(21):
        await bench.throttled.send(READ)

    assert bench.clock.monotonic() - began >= 1.9


async def test_a_pause_of_many_minutes_stops_the_run_with_what_to_do():
    bench = Bench(answer(429, {"code": 20429}, {"retry-after": "3600"}))

    with pytest.raises(StoppedEarly, match="pause of 3600 seconds") as stopped:
        await bench.throttled.send(READ)

    assert "same command" in str(stopped.value)
    assert bench.limiter.in_flight == 0


async def test_an_unusable_answer_is_no_sign_of_an_outage():
    bench = Bench(*[UnusableAnswer("too large")] * 20)

    for _ in range(20):
        with pytest.raises(UnusableAnswer):
            await bench.throttled.send(READ)

    assert not bench.heard(OutageBegan)


async def test_ten_failures_in_a_row_begin_an_outage_and_three_answered_probes_end_it():
    bench = broken(answer(), answer(), answer(), answer())
    await bench.break_down()

    for _ in range(4):
        await bench.throttled.send(READ)

    assert bench.heard(OutageBegan)
    assert bench.heard(OutageEnded)
    assert bench.inner.sent == 14


async def test_a_probe_that_fails_is_nobodys_attempt():
    bench = broken(answer(503), Unanswered("still gone"), answer(200))
    await bench.break_down()

    response = await bench.throttled.send(READ)

    assert response.status == 200
    assert bench.inner.sent == 13


async def test_a_write_is_never_a_probe():
    bench = broken(answer(), answer(), answer(), answer(201))
    await bench.break_down()

    response = await bench.throttled.send(WRITE)

    assert response.status == 201
    assert [request.path for request in bench.inner.requests[10:]] == ["/v1/Configuration"] * 3 + [WRITE.path]


async def test_an_outage_that_lasts_too_long_stops_the_run():
    bench = broken(*[answer(503)] * 100, settings=LimiterSettings(max_outage_seconds=60))
    await bench.break_down()
    began = bench.clock.monotonic()

    with pytest.raises(StoppedEarly, match="no proper answer"):
        await bench.throttled.send(READ)

    assert 60 < bench.clock.monotonic() - began <= 70
    assert 8 <= bench.inner.sent - 10 <= 20  # about one probe each five seconds
    assert bench.limiter.in_flight == 0


class Manual:
    """Requests stay under way until the test answers them."""

    def __init__(self) -> None:
        self.under_way: list[tuple[Request, asyncio.Future[Response]]] = []

    async def send(self, request: Request) -> Response:
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.under_way.append((request, future))
        return await future

    def answer(self, which: int = 0) -> None:
        self.under_way.pop(which)[1].set_result(answer())

    @property
    def paths(self) -> list[str]:
        return [request.path for request, _ in self.under_way]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def crowd(
    count: int, *, window: int
) -> AsyncIterator[tuple[Manual, AdaptiveLimiter, list[asyncio.Task[Response]]]]:
    """*count* requests, named by their order, against a window that takes *window* at once."""
    inner, limiter = Manual(), AdaptiveLimiter(LimiterSettings(initial_in_flight=window, max_in_flight=window))
    throttled = Throttled(inner, limiter, FakeClock())
    tasks = [asyncio.create_task(throttled.send(Request("GET", f"/v1/{number}"))) for number in range(count)]
    await settle()
    yield inner, limiter, tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert limiter.in_flight == 0
    assert limiter.waiting == 0


async def test_no_more_are_under_way_than_the_window_takes():
    async with crowd(10, window=3) as (inner, limiter, _):
        assert inner.paths == ["/v1/0", "/v1/1", "/v1/2"]
        assert limiter.waiting == 7


async def test_who_came_first_goes_first():
    async with crowd(6, window=1) as (inner, _, _):
        order = []
        for _ in range(6):
            order += inner.paths
            inner.answer()
            await settle()

        assert order == [f"/v1/{number}" for number in range(6)]


async def test_the_urgent_go_before_those_who_came_earlier():
    inner, limiter = Manual(), AdaptiveLimiter(LimiterSettings(initial_in_flight=1, max_in_flight=1))
    throttled = Throttled(inner, limiter, FakeClock())
    came = [("a", False), ("b", False), ("c", True), ("d", False), ("e", True)]
    tasks = []
    for name, is_urgent in came:
        tasks.append(asyncio.create_task(throttled.send(Request("GET", f"/v1/{name}", is_urgent=is_urgent))))
        await settle()
    order = []
    for _ in came:
        order += inner.paths
        inner.answer()
        await settle()

    assert order == ["/v1/a", "/v1/c", "/v1/e", "/v1/b", "/v1/d"]


async def test_the_urgent_overtake_those_who_wait_for_their_time():
    inner, clock = Manual(), FakeClock()
    throttled = Throttled(inner, AdaptiveLimiter(LimiterSettings(max_rate=1.0)), clock)
    tasks = [asyncio.create_task(throttled.send(Request("GET", f"/v1/{name}"))) for name in range(5)]
    tasks.append(asyncio.create_task(throttled.send(Request("GET", "/v1/urgent", is_urgent=True))))
    await asyncio.sleep(0)
    at_once = len(inner.paths)
    await settle()

    assert at_once < 3
    assert inner.paths.index("/v1/urgent") <= at_once + 1  # one is asleep for its time already
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_urgent_one_that_is_cancelled_leaves_the_line():
    inner, limiter = Manual(), AdaptiveLimiter(LimiterSettings(initial_in_flight=1, max_in_flight=1))
    throttled = Throttled(inner, limiter, FakeClock())
    tasks = [asyncio.create_task(throttled.send(READ)) for _ in range(2)]
    urgent = asyncio.create_task(throttled.send(Request("GET", "/v1/urgent", is_urgent=True)))
    await settle()
    urgent.cancel()
    await settle()
    inner.answer()
    await settle()

    assert inner.paths == [READ.path]
    inner.answer()
    await asyncio.gather(*tasks)


async def test_who_is_cancelled_while_waiting_leaves_the_line():
    async with crowd(3, window=1) as (inner, _, tasks):
        tasks[1].cancel()
        await settle()
        inner.answer()
        await settle()

        assert inner.paths == ["/v1/2"]


async def test_who_is_cancelled_just_after_being_granted_gives_the_slot_to_the_next():
    async with crowd(3, window=1) as (inner, _, tasks):
        inner.answer()
        asyncio.get_running_loop().call_soon(tasks[1].cancel)  # after the grant, before its task runs
        await settle()

        assert inner.paths == ["/v1/2"]


async def test_who_is_cancelled_under_way_frees_its_slot():
    async with crowd(2, window=1) as (inner, _, tasks):
        tasks[0].cancel()
        await settle()

        assert inner.paths[-1] == "/v1/1"


async def test_who_was_told_to_sleep_waits_on_when_another_line_took_the_slot():
    inner, clock = Manual(), FakeClock()
    limiter = AdaptiveLimiter(LimiterSettings(initial_in_flight=1, max_in_flight=1))
    throttled = Throttled(inner, limiter, clock)
    first = asyncio.create_task(throttled.send(WRITE))
    await settle()
    inner.answer()
    await settle()
    second = asyncio.create_task(throttled.send(WRITE))  # must wait 1/27 s: is told to sleep
    asyncio.get_running_loop().call_soon(lambda: limiter.sent(clock.monotonic(), None))
    await settle()

    assert inner.paths == []
    assert limiter.waiting == 1
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)


async def test_during_an_outage_one_probe_at_a_time_is_under_way():
    inner, limiter, clock = Manual(), AdaptiveLimiter(LimiterSettings(initial_in_flight=20)), FakeClock()
    throttled = Throttled(inner, limiter, clock)
    first = [asyncio.create_task(throttled.send(READ)) for _ in range(10)]
    await settle()
    for _ in range(10):
        inner.under_way.pop()[1].set_exception(Unanswered("gone"))
    await asyncio.gather(*first, return_exceptions=True)

    tasks = [asyncio.create_task(throttled.send(READ)) for _ in range(5)]
    await settle()

    assert len(inner.under_way) == 1
    for _ in range(3):
        inner.answer()
        await settle()
    assert len(inner.under_way) == 2  # the outage is over: all that still wait are sent
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_probe_is_given_five_seconds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("readstate.twilio.throttle._PROBE_SECONDS", 0.01)

    async def hang(request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    bench = broken(answer())
    await bench.break_down()
    scripted, bench.inner.send = bench.inner.send, hang  # type: ignore[method-assign]
    sending = asyncio.create_task(bench.throttled.send(READ))
    while max(bench.clock.slept, default=0) < 1.5:  # until a failed probe has put off the next one
        await asyncio.sleep(0.01)
    bench.inner.send = scripted  # type: ignore[method-assign]

    assert (await sending).status == 200
