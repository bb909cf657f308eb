"""Which users an export is asked to read, as a value."""

from dataclasses import dataclass

from readstate.snapshot.roster.shard import ALL_USERS, Shard
from readstate.snapshot.roster.users_file import RosterEntry

ALL_SERVICES = "all"
DEFAULT_SERVICE = "default"


@dataclass(frozen=True, slots=True)
class RosterSelection:
    """Which users to read."""

    services: tuple[str, ...] = (ALL_SERVICES,)
    """``all``, ``default`` or service SIDs."""
    entries: tuple[RosterEntry, ...] | None = None
    """The users of a file; None for all users of the services."""
    limit: int | None = None
    """At most so many users, for a trial."""
    share: Shard = ALL_USERS
    """Of these users, those of one shard."""
