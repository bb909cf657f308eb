"""One pace for all processes of an account: takes a turn at the ledger each second, and copes where it is lost."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from readstate.clock import Clock
from readstate.events import Observer, SharedPaceFound, SharedPaceLost
from readstate.twilio.pacing.limiter import Pace
from readstate.twilio.shared_pace.ledger import LEASE_SECONDS, WINDOW, Adopted, exchange, leave
from readstate.twilio.shared_pace.ledger_store import LedgerLost, LedgerStore
from readstate.twilio.shared_pace.member import Partner

_BETWEEN_TURNS = (0.9, 1.1)
_LOOK_SECONDS = 0.1
"""How often to look whether there is news that the others should not wait for; asks nobody."""
_TURN_SECONDS = 2.0
_JOIN_TURNS = 8
_JOIN_SECONDS = 0.25


@asynccontextmanager
async def sharing(pace: Pace, store: LedgerStore, *, place: str, clock: Clock, emit: Observer) -> AsyncIterator[None]:
    """Share *pace* for as long as the block lasts: from its beginning, and giving everything back at its end."""
    member = _Member(pace, store, place, clock, emit)
    await member.join()
    turns = asyncio.create_task(member.take_turns())
    try:
        yield
    finally:
        member.has_left = True  # a library below may lose a cancellation
        turns.cancel()
        (ended,) = await asyncio.gather(turns, return_exceptions=True)
        await member.leave()
        if isinstance(ended, Exception):
            raise ended


class _Member:
    def __init__(self, pace: Pace, store: LedgerStore, place: str, clock: Clock, emit: Observer) -> None:
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._partner = Partner(pace, self._name)
        self._store = store
        self._place = place
        self._clock = clock
        self._emit = emit
        self.has_left = False
        self._told_of_loss = False
        self._warn_at = 0.0

    async def join(self) -> None:
        """Wait until the others, who hear of us within a second, have made room."""
        for _ in range(_JOIN_TURNS):
            adopted = await self._take_turn()
            if adopted is None or adopted.given[WINDOW].standing.value >= adopted.given[WINDOW].fair / 2:
                return
            await self._clock.sleep(_JOIN_SECONDS)

    async def take_turns(self) -> None:
        """Take a turn each second, and at once where the others should hear of something."""
        least, most = _BETWEEN_TURNS
        while not self.has_left:
            due = self._clock.monotonic() + least + (most - least) * self._clock.random()
            while self._clock.monotonic() < due and not self._partner.has_news():
                await self._clock.sleep(_LOOK_SECONDS)
            await self._take_turn()

    async def leave(self) -> None:
        """Give back what this process holds; if that fails, its lease ends by itself."""
        with suppress(LedgerLost, TimeoutError):
            async with asyncio.timeout(_TURN_SECONDS):
                await self._store.update(partial(leave, self._name))
        await self._store.close()

    async def _take_turn(self) -> Adopted | None:
        report = self._partner.report(self._clock.monotonic())
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                adopted = await self._store.update(partial(exchange, report))
        except LedgerLost as error:
            self._stand_alone(str(error))
            return None
        except TimeoutError:
            self._stand_alone(f"no answer for {_TURN_SECONDS:.0f} seconds")
            return None
        self._go_on(adopted)
        return adopted

    def _stand_alone(self, reason: str) -> None:
        now = self._clock.monotonic()
        self._partner.stand_alone(now)
        if now >= self._warn_at and not self._told_of_loss:
            self._told_of_loss = True
            self._emit(SharedPaceLost(self._place, reason))

    def _go_on(self, adopted: Adopted) -> None:
        now = self._clock.monotonic()
        for event in self._partner.adopt(now, adopted, chance=self._clock.random()):
            self._emit(event)
        # A turn or two that are missed are not worth a warning: nobody's lease ends.
        self._warn_at = now + LEASE_SECONDS
        if self._told_of_loss:
            self._told_of_loss = False
            self._emit(SharedPaceFound(self._place, adopted.members))
