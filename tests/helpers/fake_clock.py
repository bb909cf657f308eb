"""A clock for tests: time passes only in sleep() and advance()."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import cycle


class FakeClock:
    """Sleeping takes no time at all, moves this clock on, and is remembered in `slept`."""

    def __init__(
        self, start: datetime = datetime(2026, 11, 23, 2, 0, tzinfo=UTC), *, chances: Iterable[float] = (0.5,)
    ) -> None:
        self._start = start
        self._elapsed = 0.0
        self._chances = cycle(chances)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return 1000.0 + self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def random(self) -> float:
        return next(self._chances)

    def advance(self, seconds: float) -> None:
        self._elapsed += max(0.0, seconds)
