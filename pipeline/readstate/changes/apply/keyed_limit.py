"""At most so many at once for each key, and no memory of keys that nobody uses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class KeyedLimit:
    """A semaphore for each key, kept while somebody holds it or waits for it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Hold one of the places of *key* for as long as the block lasts."""
        semaphore, users = self._held.setdefault(key, (asyncio.Semaphore(self._limit), []))
        users.append(None)
        try:
            async with semaphore:
                yield
        finally:
            users.pop()
            if not users:
                del self._held[key]
