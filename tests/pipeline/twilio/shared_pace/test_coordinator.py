"""Taking turns at the ledger, and what happens where it is lost."""

import asyncio
from math import inf

import pytest

from readstate.events import Event, SharedPaceFound, SharedPaceLost
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.shared_pace.coordinator import share_limiter
from readstate.twilio.shared_pace.ledger import LEASE_SECONDS, WINDOW, Ledger
from readstate.twilio.shared_pace.ledger_store import Change, LedgerUnavailable, T
from tests.helpers.event_loop import settle
from tests.helpers.fake_clock import FakeClock


class MemoryStore:
    """Keeps a ledger in memory; out of reach while it has a *reason*."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.ledger = Ledger()
        self.turns_at: list[float] = []
        self.reason = ""
        self.is_closed = False

    async def update(self, change: Change[T]) -> T:
        await asyncio.sleep(0)
        self.turns_at.append(self._clock.monotonic())
        if self.reason:
            raise LedgerUnavailable(self.reason)
        self.ledger, result = change(self.ledger, self._clock.monotonic())
        return result

    async def close(self) -> None:
        self.is_closed = True


class Bench:
    """A process that shares its limiter, and its events."""

    def __init__(self, store: MemoryStore | None = None, clock: FakeClock | None = None, **timeout: float) -> None:
        self.clock = clock or FakeClock()
        self.store = store or MemoryStore(self.clock)
        self.limiter = AdaptiveLimiter(LimiterSettings())
        self.events: list[Event] = []
        self.sharing = share_limiter(
            self.limiter, self.store, place="there", clock=self.clock, emit=self.events.append, **timeout
        )

    async def pass_seconds(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            await asyncio.sleep(0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_turn_is_taken_each_second_and_not_for_each_request(bench: Bench) -> None:
    async with bench.sharing:
        began = bench.clock.monotonic()
        for _ in range(100):
            now = bench.clock.monotonic()
            bench.limiter.accepted(now, bench.limiter.sent(now, None))
        await bench.pass_seconds(10)

    assert 9 <= len([time for time in bench.store.turns_at if time > began]) <= 12


async def test_a_pause_is_reported_to_the_ledger_at_once(bench: Bench) -> None:
    async with bench.sharing:
        await bench.pass_seconds(2.3)
        now = bench.clock.monotonic()
        bench.limiter.refused(now, bench.limiter.sent(now, None), code=20429, retry_after=30, chance=0.0)
        await bench.pass_seconds(0.3)

        assert bench.store.ledger.paused_until["account"] == pytest.approx(now + 30, abs=0.5)


async def test_a_joiner_waits_for_room_and_both_are_fair_a_second_later() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    first, second = Bench(store, clock), Bench(store, clock)
    async with first.sharing:
        first.limiter.window.reset(clock.monotonic(), 90)
        first.limiter.waiting = second.limiter.waiting = 500
        await first.pass_seconds(1.5)

        async with second.sharing:
            assert second.limiter.view(clock.monotonic()).window == pytest.approx(45, abs=1)
            await first.pass_seconds(1.5)
            assert first.limiter.view(clock.monotonic()).window == pytest.approx(45, abs=1)

        await first.pass_seconds(1.5)
        assert first.limiter.view(clock.monotonic()).window == pytest.approx(90, abs=1)


async def test_a_process_frees_its_share_whatever_ends_it(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError):
        async with bench.sharing:
            _ = 1 / 0

    assert bench.store.ledger.members == {}
    assert bench.store.is_closed


async def test_a_missed_turn_is_not_worth_a_warning(bench: Bench) -> None:
    async with bench.sharing:
        bench.store.reason = "away"
        await bench.pass_seconds(LEASE_SECONDS - 2)
        bench.store.reason = ""
        await bench.pass_seconds(10)

    assert bench.events == []


async def test_a_lost_ledger_is_reported_once_and_so_is_its_return(bench: Bench) -> None:
    async with bench.sharing:
        bench.store.reason = "away"
        await bench.pass_seconds(60)
        assert bench.events == [SharedPaceLost("there", "away")]

        bench.store.reason = ""
        await bench.pass_seconds(3)
        assert bench.events == [SharedPaceLost("there", "away"), SharedPaceFound("there", 1)]


async def test_without_the_ledger_the_window_may_fall_but_never_climb(bench: Bench) -> None:
    async with bench.sharing:
        bench.limiter.window.reset(bench.clock.monotonic(), 40)
        await bench.pass_seconds(2)
        bench.store.reason = "away"
        await bench.pass_seconds(2)
        for _ in range(200):
            now = bench.clock.monotonic()
            sent = [bench.limiter.sent(now, None) for _ in range(40)]
            for one in sent:
                bench.limiter.accepted(now, one)
            await bench.pass_seconds(0.1)
            assert bench.limiter.window.value <= 40

        bench.store.reason = ""
        await bench.pass_seconds(2)
        assert (bench.limiter.window.most, bench.limiter.window.ceiling) == (500, inf)


async def test_a_process_that_never_reached_the_ledger_starts_small_and_warns_at_once(bench: Bench) -> None:
    bench.store.reason = "connection refused"

    async with bench.sharing:
        assert bench.events == [SharedPaceLost("there", "connection refused")]
        assert bench.limiter.window.ceiling == 10
        assert bench.limiter.window.share == 0.1

        bench.store.reason = ""
        await bench.pass_seconds(2)
        assert (bench.limiter.window.most, bench.limiter.window.ceiling) == (500, inf)
        assert bench.store.ledger.limits[WINDOW].shares.keys() == bench.store.ledger.members.keys()


async def test_a_store_that_hangs_is_a_lost_one() -> None:
    clock = FakeClock()

    class Hanging(MemoryStore):
        async def update(self, change: Change[T]) -> T:
            await asyncio.Event().wait()
            raise AssertionError

    bench = Bench(Hanging(clock), clock, turn_timeout_seconds=0.01)

    async with bench.sharing:
        assert bench.events == [SharedPaceLost("there", "no answer for 0 seconds")]


async def test_a_store_that_loses_a_cancellation_does_not_keep_a_run_from_ending(bench: Bench) -> None:
    reached = asyncio.Event()

    class Deaf(MemoryStore):
        async def update(self, change: Change[T]) -> T:
            if self.turns_at:
                reached.set()
                try:
                    await asyncio.sleep(600)
                except asyncio.CancelledError:
                    self.turns_at.clear()
            return await super().update(change)

    bench = Bench(Deaf(bench.clock), bench.clock)

    async with asyncio.timeout(60):
        async with bench.sharing:
            await reached.wait()

    assert bench.store.is_closed


async def test_a_mistake_in_the_sharing_itself_is_not_swallowed(bench: Bench) -> None:
    def broken(change: object) -> object:
        raise TypeError("a mistake")

    with pytest.raises(TypeError, match="a mistake"):
        async with bench.sharing:
            kept, bench.store.update = bench.store.update, broken  # type: ignore[assignment,method-assign]
            await settle()
            bench.store.update = kept  # type: ignore[method-assign]
