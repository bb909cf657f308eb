"""Which users an export is asked to read, as a value."""

from typing import NamedTuple

from msgspec import Struct

from readstate.model.ids import is_sid
from readstate.snapshot.roster.shard import ALL_USERS, Shard

ALL_SERVICES = "all"
DEFAULT_SERVICE = "default"


class RosterEntry(NamedTuple):
    """A user that a file asks for."""

    line: int
    user: str
    """A SID or an identity."""
    service: str | None
    """A service SID, or None for the run's own."""


class RosterSelection(Struct, frozen=True):
    """Which users to read."""

    services: tuple[str, ...] = (ALL_SERVICES,)
    """``all``, ``default`` or service SIDs."""
    entries: tuple[RosterEntry, ...] | None = None
    """The users of a file; None for all users of the services."""
    limit: int | None = None
    """At most so many users, for a trial."""
    share: Shard = ALL_USERS
    """Of these users, those of one shard."""

    @property
    def reads_default(self) -> bool:
        """Whether users of the account's default service are read, whichever that is."""
        return DEFAULT_SERVICE in self.services or (
            self.own_service is None and any(entry.service is None for entry in self.entries or ())
        )

    @property
    def own_service(self) -> str | None:
        """The service of users that a file names without one; None for the account's default service."""
        named = [service for service in self.services if is_sid(service, "IS")]
        return named[0] if len(named) == 1 else None
