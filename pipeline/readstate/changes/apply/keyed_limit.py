"""A concurrency limit for each key, which forgets keys that are not in use."""

import asyncio
from weakref import WeakValueDictionary


class KeyedLimit:
    """A semaphore for each key, kept by those who hold it or wait for it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._semaphores = WeakValueDictionary[str, asyncio.Semaphore]()

    def of(self, key: str) -> asyncio.Semaphore:
        """Return the semaphore of *key*."""
        semaphore = self._semaphores.get(key)
        if semaphore is None:
            semaphore = self._semaphores[key] = asyncio.Semaphore(self._limit)
        return semaphore
