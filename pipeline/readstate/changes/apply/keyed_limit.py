"""A concurrency limit for each key, which forgets keys that are not in use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class KeyedLimit:
    """A semaphore for each key, kept while it is held or waited for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Hold one place of *key* for as long as the block lasts."""
        semaphore, users = self._held.setdefault(key, (asyncio.Semaphore(self._limit), []))
        users.append(None)
        try:
            async with semaphore:
                yield
        finally:
            users.pop()
            if not users:
                del self._held[key]
