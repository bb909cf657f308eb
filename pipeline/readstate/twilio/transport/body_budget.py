"""One budget of memory for all bodies under way, so that many large answers at once cannot fill the memory."""

from weakref import finalize

from readstate.errors import Unanswered, UnusableAnswer
from readstate.twilio.http.request import Request

FREE_BYTES = 128 << 10
"""A body up to this size needs no share: a page of documented rows is smaller, and requests in flight are limited."""
_LIMIT = 256 << 20


class BodyBudget:
    """Counts the bytes of large bodies, from their arrival until nothing refers to their answers any more."""

    def __init__(self, *, each: int, limit: int = _LIMIT) -> None:
        """*each* is the largest body allowed, and *limit* that of all together; both in bytes."""
        self.each = each
        self._limit = max(each, limit)
        self.held = 0
        """Bytes counted now."""

    def share(self, request: Request) -> "BodyShare":
        """Return the share of the answer to *request*, nothing yet."""
        return BodyShare(self, request)

    def take(self, size: int, request: Request) -> None:
        """Count *size* more bytes. Raise `Unanswered` where that is more than all bodies may have."""
        if self.held + size > self._limit:
            # Failing instead of waiting: bodies that all wait for room would wait for ever.
            raise Unanswered(
                f"{request.method} {request.path}: the bodies under way are larger than {self._limit >> 20} MB in all"
            )
        self.held += size

    def free(self, sizes: list[int]) -> None:
        """Count the bytes of *sizes* no more."""
        self.held -= sum(sizes)


class BodyShare:
    """What one body takes of the budget; given back when nothing refers to it any more."""

    __slots__ = ("__weakref__", "_budget", "_request", "_size", "_taken")

    def __init__(self, budget: BodyBudget, request: Request) -> None:
        self._budget = budget
        self._request = request
        self._size = 0
        self._taken: list[int] = []

    def grow(self, size: int) -> None:
        """Add *size* bytes that have arrived. Raise `UnusableAnswer` for a body that is too large by itself.

        Raise `Unanswered` where all bodies together are too large.
        """
        self._size += size
        request, each = self._request, self._budget.each
        if self._size > each:
            raise UnusableAnswer(
                f"{request.method} {request.path}: the body is larger than {each >> 20} MB",
                hint="Raise max_body_megabytes if that can be right.",
            )
        if self._size > FREE_BYTES:
            if not self._taken:
                finalize(self, self._budget.free, self._taken)
            self._budget.take(size, request)
            self._taken.append(size)
