"""Which names of rows were seen before, in 19 bytes a name: a list of users may hold a million. Pure."""

from array import array
from collections.abc import Iterable

_BUCKETS = 1 << 14
"""Of a million names 61 share one, which is searched in a microsecond; more would cost small lists more memory."""


class SeenNames:
    """A set of names that keeps 64 bits of each. Two of a million are taken for one once in thirty million lists."""

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}

    def add(self, names: Iterable[str | None]) -> bool:
        """Remember *names*; return whether any of them was not seen before."""
        return any([self._add(hash(name)) for name in names])  # noqa: C419 - each has to be added

    def _add(self, digest: int) -> bool:
        bucket = self._buckets.get(digest % _BUCKETS)
        if bucket is None:
            bucket = self._buckets[digest % _BUCKETS] = array("q")
        elif digest in bucket:
            return False
        bucket.append(digest)
        return True
