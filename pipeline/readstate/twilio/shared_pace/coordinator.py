"""Takes a turn at the ledger each second, and copes with a ledger that cannot be reached."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from msgspec import Struct

from readstate.clock import Clock
from readstate.events import Observer, SharedPaceFound, SharedPaceLost
from readstate.twilio.pacing.limiter import AdaptiveLimiter
from readstate.twilio.shared_pace.ledger import LEASE_SECONDS, WINDOW, TurnResult, leave, take_turn
from readstate.twilio.shared_pace.ledger_store import LedgerStore, LedgerUnavailable
from readstate.twilio.shared_pace.member import SharedMember

TURN_TIMEOUT_SECONDS = 2.0
_BETWEEN_TURNS = (0.9, 1.1)
_POLL_SECONDS = 0.1
"""How often to check locally for news that the other processes should learn before the next turn."""
_JOIN_TURNS = 8
_JOIN_SECONDS = 0.25


@asynccontextmanager
async def share_limiter(
    limiter: AdaptiveLimiter,
    store: LedgerStore,
    *,
    place: str,
    clock: Clock,
    emit: Observer,
    turn_timeout_seconds: float = TURN_TIMEOUT_SECONDS,
) -> AsyncIterator[None]:
    """Share *limiter* while the block runs: the first turn is taken before it, and the share is returned after it."""
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    coordinator = _Coordinator(name, SharedMember(limiter, name), store, place, clock, emit, turn_timeout_seconds)
    await coordinator.join()
    turns = asyncio.create_task(coordinator.take_turns())
    try:
        yield
    finally:
        coordinator.has_left = True  # the client library of a store may swallow a cancellation
        turns.cancel()
        (ended,) = await asyncio.gather(turns, return_exceptions=True)
        await coordinator.leave()
        if isinstance(ended, Exception):
            raise ended


class _Coordinator(Struct):
    name: str
    member: SharedMember
    store: LedgerStore
    place: str
    clock: Clock
    emit: Observer
    turn_timeout_seconds: float
    has_left: bool = False
    is_lost: bool = False
    warn_at: float = 0.0

    async def join(self) -> None:
        """Wait until the other processes, whose turns come within a second, have made room."""
        for _ in range(_JOIN_TURNS):
            result = await self._take_turn()
            if result is None or result.shares[WINDOW].state.value >= result.shares[WINDOW].fair / 2:
                return
            await self.clock.sleep(_JOIN_SECONDS)

    async def take_turns(self) -> None:
        """Take a turn each second, and at once where the others should learn something."""
        least, most = _BETWEEN_TURNS
        while not self.has_left:
            due = self.clock.monotonic() + least + (most - least) * self.clock.random()
            while self.clock.monotonic() < due and not self.member.has_news():
                await self.clock.sleep(_POLL_SECONDS)
            await self._take_turn()

    async def leave(self) -> None:
        """Free this process's share; if that fails, its lease ends by itself."""
        with suppress(LedgerUnavailable, TimeoutError):
            async with asyncio.timeout(self.turn_timeout_seconds):
                await self.store.update(partial(leave, self.name))
        await self.store.close()

    async def _take_turn(self) -> TurnResult | None:
        report = self.member.report(self.clock.monotonic())
        try:
            async with asyncio.timeout(self.turn_timeout_seconds):
                result = await self.store.update(partial(take_turn, report))
        except LedgerUnavailable as error:
            self._on_lost(str(error))
            return None
        except TimeoutError:
            self._on_lost(f"no answer for {self.turn_timeout_seconds:.0f} seconds")
            return None
        self._on_turn(result)
        return result

    def _on_lost(self, reason: str) -> None:
        now = self.clock.monotonic()
        self.member.freeze(now)
        if now >= self.warn_at and not self.is_lost:
            self.is_lost = True
            self.emit(SharedPaceLost(self.place, reason))

    def _on_turn(self, result: TurnResult) -> None:
        now = self.clock.monotonic()
        for event in self.member.apply(now, result, chance=self.clock.random()):
            self.emit(event)
        # A missed turn or two are not worth a warning: no lease ends.
        self.warn_at = now + LEASE_SECONDS
        if self.is_lost:
            self.is_lost = False
            self.emit(SharedPaceFound(self.place, result.members))
