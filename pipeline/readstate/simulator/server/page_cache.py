"""Rendered responses, cached as bytes until anything changes."""

from typing import Final

from readstate.simulator.api.responses import Response

MOST_BYTES: Final = 128 * 1024 * 1024

Rendered = tuple[str, Response]
"""The template of the path, for the counters, and the response."""


class PageCache:
    """Caches responses by target, up to a number of bytes; the oldest are evicted first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: dict[str, Rendered] = {}

    def get(self, target: str) -> Rendered | None:
        """Return the cached response to a GET of *target*, or None."""
        return self._answers.get(target)

    def put(self, target: str, rendered: Rendered) -> None:
        """Cache a response that is not in the cache yet."""
        self._answers[target] = rendered
        self._bytes += len(rendered[1].body)
        while self._bytes > self._most_bytes:
            _, oldest = self._answers.pop(next(iter(self._answers)))
            self._bytes -= len(oldest.body)

    def grow(self, most_bytes: int) -> None:
        """Cache up to *most_bytes* from now on."""
        self._most_bytes = most_bytes

    def clear(self) -> None:
        """Drop every response: the world, the faults or the behaviour has changed."""
        self._answers.clear()
        self._bytes = 0
