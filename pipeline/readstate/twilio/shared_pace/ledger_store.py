"""The interface of what stores the ledger of one account."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from readstate.twilio.shared_pace.ledger import Ledger

T = TypeVar("T")
Change = Callable[[Ledger, float], tuple[Ledger, T]]
"""A function of the ledger and the store's time; returns the ledger to store, and a result for the caller."""


class LedgerUnavailable(Exception):
    """The ledger cannot be reached; the message says why."""


class LedgerStore(Protocol):
    """Stores one account's ledger, and serializes the changes of several processes."""

    async def update(self, change: Change[T]) -> T:
        """Apply *change* to the stored ledger; it may be called more than once. Raises `LedgerUnavailable`."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
