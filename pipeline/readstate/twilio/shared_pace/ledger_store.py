"""Where the processes of an account keep their ledger, as far as the rest needs to know."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from readstate.twilio.shared_pace.ledger import Ledger

Result = TypeVar("Result")
Change = Callable[[Ledger, float], tuple[Ledger, Result]]
"""Takes the ledger and the time by the store's clock; gives the ledger to keep, and what the caller wants to know."""


class LedgerLost(Exception):
    """The ledger cannot be reached; the message says why."""


class LedgerStore(Protocol):
    """Keeps one account's ledger, and lets one process at a time change it."""

    async def update(self, change: Change[Result]) -> Result:
        """Keep what *change* makes of the ledger. It may be called more than once. Raises `LedgerLost`."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
