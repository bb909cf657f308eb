"""The clock and random numbers, passed as an argument everywhere, so that tests control both."""

import asyncio
import random
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time and random numbers, as the rest of the code may use them."""

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*; zero or less lets other tasks run once."""
        ...

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


class SystemClock:
    """The clock and the random numbers of this machine."""

    def __init__(self) -> None:
        self._random = random.Random()

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*."""
        await asyncio.sleep(max(0.0, seconds))

    def random(self) -> float:
        """Return a number in [0, 1), for jitter and never for secrets."""
        return self._random.random()
