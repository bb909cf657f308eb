"""Rendered answers, kept as bytes until anything changes."""

from typing import Final

from readstate.simulator.api.responses import Answer

MOST_BYTES: Final = 128 * 1024 * 1024

Rendered = tuple[str, Answer]
"""The template of the path, for counting, and the answer."""


class PageCache:
    """Remembers answers by target, up to a number of bytes; the oldest go first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: dict[str, Rendered] = {}

    def get(self, target: str) -> Rendered | None:
        """Look up the answer to a GET of *target*."""
        return self._answers.get(target)

    def put(self, target: str, rendered: Rendered) -> None:
        """Remember an answer that the cache does not hold yet."""
        self._answers[target] = rendered
        self._bytes += len(rendered[1].body)
        while self._bytes > self._most_bytes:
            _, oldest = self._answers.pop(next(iter(self._answers)))
            self._bytes -= len(oldest.body)

    def grow(self, most_bytes: int) -> None:
        """Keep up to *most_bytes* from now on."""
        self._most_bytes = most_bytes

    def clear(self) -> None:
        """Forget everything, because the world or the rules have changed."""
        self._answers.clear()
        self._bytes = 0
