"""The messages of a conversation as arithmetic: sparse indices, some of them deleted, counted without a table."""

from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import NamedTuple


class Messages(NamedTuple):
    """Which indices of a conversation hold a message.

    A tuple, not a dataclass: one is made for each row that is shown, and making it must cost next to nothing.
    """

    last_ever: int
    """The highest index that was ever given out; -1 where there never was a message."""
    newest_deleted: int = 0
    """How many of the highest seeded indices are deleted."""
    every: int = 0
    """One index in this many was never given out; 0 for no gaps."""
    remainder: int = 0
    """The gaps are the indices with this remainder."""
    appended: tuple[int, ...] = ()
    """Indices that were added later: ascending, and without a gap up to *last_ever*."""
    deleted: tuple[int, ...] = ()
    """Indices that were deleted later, ascending."""

    def has(self, index: int) -> bool:
        """Return whether there is a message at *index*."""
        if index in self.deleted:
            return False
        if index in self.appended:
            return True
        return 0 <= index <= self._last_seeded() and not (self.every and index % self.every == self.remainder)

    def newest(self) -> int | None:
        """Return which index the newest message has; None when there is no message."""
        return next(self.descending(self.last_ever + 1), None)

    def count_after(self, index: int) -> int:
        """Count the messages whose index is above *index*."""
        last = self._last_seeded() if self.appended else self.last_ever - self.newest_deleted
        index = max(index, -1)
        count = 0
        if last > index:
            count = last - index
            if self.every:
                count -= (last - self.remainder) // self.every - (index - self.remainder) // self.every
        if self.appended or self.deleted:
            count += len(self.appended) - bisect_right(self.appended, index)
            count -= len(self.deleted) - bisect_right(self.deleted, index)
        return count

    def descending(self, below: int) -> Iterator[int]:
        """Walk the indices of the messages down from *below*."""
        return (index for index in range(min(below, self.last_ever + 1) - 1, -1, -1) if self.has(index))

    def ascending(self, above: int) -> Iterator[int]:
        """Walk the indices of the messages up from *above*."""
        return (index for index in range(max(above, -1) + 1, self.last_ever + 1) if self.has(index))

    def with_message(self) -> "Messages":
        """Add a message at the next index."""
        index = self.last_ever + 1
        return self._replace(last_ever=index, appended=(*self.appended, index))

    def without(self, index: int) -> "Messages":
        """Delete the message at *index*."""
        deleted = list(self.deleted)
        insort(deleted, index)
        return self._replace(deleted=tuple(deleted))

    def last_ever_seeded(self) -> int:
        """Return which was the highest index before anything was added."""
        return self.appended[0] - 1 if self.appended else self.last_ever

    def _last_seeded(self) -> int:
        return self.last_ever_seeded() - self.newest_deleted
