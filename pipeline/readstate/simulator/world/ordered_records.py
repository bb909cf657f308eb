"""The users or the conversations of a service in an order other than that of their SIDs."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from heapq import merge
from typing import Generic, TypeVar

Record = TypeVar("Record")


class OrderedRecords(Generic[Record]):
    """Sorts what the seed made once, and what was changed since at each walk: a change moves its record at once."""

    def __init__(
        self,
        count: int,
        seeded: Callable[[int], Record],
        changed: Mapping[int, Record | None],
        key: Callable[[Record], str],
    ) -> None:
        self._seeded = seeded
        self._changed = changed
        self._key = key
        self._pairs = sorted((key(seeded(number)), number) for number in range(count))

    def up(self, after: str) -> Iterator[tuple[str, Record]]:
        """Walk keys and records up from a key; from the lowest where it is empty."""
        start = bisect_right(self._pairs, after, key=_first)
        changed = (pair for pair in self._changed_pairs() if pair[0] > after)
        return merge(self._unchanged(range(start, len(self._pairs))), sorted(changed, key=_first), key=_first)

    def down(self, before: str) -> Iterator[tuple[str, Record]]:
        """Walk keys and records down from a key; from the highest where it is empty."""
        end = bisect_left(self._pairs, before, key=_first) if before else len(self._pairs)
        changed = (pair for pair in self._changed_pairs() if not before or pair[0] < before)
        return merge(
            self._unchanged(range(end - 1, -1, -1)), sorted(changed, key=_first, reverse=True), key=_first, reverse=True
        )

    def _unchanged(self, places: range) -> Iterator[tuple[str, Record]]:
        pairs = map(self._pairs.__getitem__, places)
        return ((key, self._seeded(number)) for key, number in pairs if number not in self._changed)

    def _changed_pairs(self) -> Iterator[tuple[str, Record]]:
        return ((self._key(record), record) for record in self._changed.values() if record is not None)


def _first(pair: tuple[str, object]) -> str:
    return pair[0]
