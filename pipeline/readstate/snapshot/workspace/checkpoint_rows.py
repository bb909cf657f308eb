"""Rows of a checkpoint's tables; what is read from them is checked, because a damaged file may hold anything."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec

from readstate.model.resources import User

UserState = Literal["pending", "taken", "read", "vanished", "unknown", "failed"]


class UserRow(NamedTuple):
    """A user with the result, in the order of the columns that are selected."""

    service: str
    sid: str
    identity: str | None
    resource: User
    state: UserState
    rows: int | None
    reason: str | None
    status: int | None
    code: int | None
    request_id: str | None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None


class StoredValue(NamedTuple):
    """The value of a name, as JSON."""

    json: str


class StoredService(NamedTuple):
    """A service, and as JSON the place in its list from which it is read on."""

    sid: str
    next_page: str | None


class StoredCount(NamedTuple):
    """How many there are of something."""

    name: str
    number: int


class RosterPage(NamedTuple):
    """Users of a service, and as JSON where its list goes on; None at its end."""

    service: str
    users: Sequence[User]
    next_page: str | None


class ClaimedUser(NamedTuple):
    """A user that is taken to be read."""

    expected: int
    id: int
    service: str
    sid: str
    identity: str | None


class SealedPart(NamedTuple):
    """A part file that is complete and on disk."""

    name: str
    rows: int


class Progress(NamedTuple):
    """How far the run is."""

    listed: int
    read: int
    vanished: int
    unknown: int
    failed: int
    rows: int
