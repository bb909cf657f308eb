"""Requests are admitted in order, the urgent and the writes first, and a cancelled one holds nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings, Sent
from readstate.twilio.request_queue import RequestQueue
from tests.helpers.event_loop import settle
from tests.helpers.fake_clock import FakeClock

WRITES = "writes:IS1"


class Bench:
    """A queue, and the names of the requests that it has admitted."""

    def __init__(self, settings: LimiterSettings) -> None:
        self.clock, self.limiter = FakeClock(), AdaptiveLimiter(settings)
        self.queue = RequestQueue(self.limiter, self.clock)
        self.admitted: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._in_flight: list[Sent] = []

    async def request(self, *names: str, domain: str | None = None, is_urgent: bool = False) -> None:
        async def acquire(name: str) -> None:
            sent = self.queue.admit(domain) or await self.queue.wait(domain, is_urgent=is_urgent)
            self._in_flight.append(sent)
            self.admitted.append(name)

        for name in names:
            self.tasks[name] = asyncio.create_task(acquire(name))
        await settle()

    async def respond(self) -> None:
        self.respond_without_waiting()
        await settle()

    def respond_without_waiting(self) -> None:
        now = self.clock.monotonic()
        self.limiter.accepted(now, self._in_flight.pop(0))
        self.queue.dispatch(now)


@asynccontextmanager
async def bench(*, window: int = 1, max_rate: float | None = None) -> AsyncIterator[Bench]:
    opened = Bench(LimiterSettings(initial_in_flight=window, max_in_flight=window, max_rate=max_rate))
    yield opened
    for task in opened.tasks.values():
        task.cancel()
    await asyncio.gather(*opened.tasks.values(), return_exceptions=True)
    assert opened.limiter.waiting == 0


async def test_no_more_are_admitted_than_the_window_takes() -> None:
    async with bench(window=3) as queue:
        await queue.request(*"abcdefghij")

        assert queue.admitted == ["a", "b", "c"]
        assert queue.limiter.waiting == 7


async def test_the_urgent_are_admitted_before_those_that_came_earlier() -> None:
    async with bench() as queue:
        await queue.request("a", "b")
        await queue.request("c", is_urgent=True)
        await queue.request("d")
        await queue.request("e", is_urgent=True)
        for _ in range(4):
            await queue.respond()

        assert queue.admitted == ["a", "c", "e", "b", "d"]


async def test_a_write_is_admitted_before_the_reads_that_came_earlier() -> None:
    async with bench() as queue:
        await queue.request("first", "read")
        await queue.request("write", domain=WRITES)
        await queue.respond()

        assert queue.admitted == ["first", "write"]


async def test_the_urgent_overtake_those_that_wait_for_their_time() -> None:
    async with bench(window=500, max_rate=1.0) as queue:
        tasks = asyncio.gather(queue.request(*"abcde"), queue.request("urgent", is_urgent=True))
        await asyncio.sleep(0)
        at_once = len(queue.admitted)
        await tasks

        assert at_once < 3
        assert queue.admitted.index("urgent") <= at_once + 1  # one is asleep for its time already


async def test_a_waiter_that_is_cancelled_leaves_its_queue() -> None:
    for is_urgent in (False, True):
        async with bench() as queue:
            await queue.request("a")
            await queue.request("b", is_urgent=is_urgent)
            await queue.request("c")
            queue.tasks["b"].cancel()
            await settle()
            await queue.respond()

            assert queue.admitted == ["a", "c"]


async def test_a_waiter_that_is_cancelled_just_after_its_admission_frees_the_slot_for_the_next() -> None:
    async with bench() as queue:
        await queue.request(*"abc")
        queue.respond_without_waiting()
        queue.tasks["b"].cancel()
        await settle()

        assert queue.admitted == ["a", "c"]
        assert queue.limiter.in_flight == 1


async def test_a_waiter_that_wakes_waits_on_when_another_domain_took_the_slot() -> None:
    async with bench() as queue:
        await queue.request("a", domain=WRITES)
        await queue.respond()
        waiting = asyncio.create_task(queue.request("b", domain=WRITES))  # its turn is 1/27 s away: it sleeps
        asyncio.get_running_loop().call_soon(lambda: queue.limiter.sent(queue.clock.monotonic(), None))
        await waiting

        assert queue.admitted == ["a"]
        assert queue.limiter.waiting == 1
