"""Read the conversations of users as tables, to be looked at now and not to be published."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from readstate.clock import Clock
from readstate.errors import UnusableAnswer
from readstate.events import Event, Observer, UserFailed, UserRead, UserVanished
from readstate.model.resources import User
from readstate.snapshot.extract.decode import decode
from readstate.snapshot.extract.fetch import FetchedUser, PageBuffer, fetch_users
from readstate.snapshot.extract.spill import Spill
from readstate.snapshot.workspace.users import RosterUser, UserResult, failed_result
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader

_BYTES_AT_ONCE = 4 << 20
_USERS_AT_ONCE = 200
_FAILURES_KEPT = 20

Take = Callable[[pa.Table, datetime], None]
"""Gets some rows and the time they were read at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReading:
    """What reading needs from outside."""

    reader: Reader
    service_sid: str
    clock: Clock
    stop: StopSwitch
    emit: Observer
    parallel: int


@dataclass(slots=True)
class UserTally:
    """An observer that counts what became of the users."""

    read: int = 0
    vanished: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    """The first of them, with the reason."""

    def observe(self, event: Event) -> None:
        """Count *event* where it is about a user."""
        match event:
            case UserRead():
                self.read += 1
            case UserVanished():
                self.vanished += 1
            case UserFailed(user, reason):
                self.failed += 1
                if len(self.failures) < _FAILURES_KEPT:
                    self.failures.append(f"{user}: {reason}")


async def read_rows(users: AsyncIterable[User], around: LiveReading, take: Take) -> None:
    """Read all conversations of *users*, many at once, and hand them to *take*, a few hundred users at a time.

    A user's rows are handed over whole or not at all; the events tell what became of each user.
    Raises `Stopped` where somebody asked, and `Refused` where the credentials may not read.
    """
    buffer = PageBuffer(Spill())
    batch: list[FetchedUser] = []

    def hand_over() -> None:
        _decode(batch, around, take)
        buffer.free(sum(user.size for user in batch))
        batch.clear()

    async with fetch_users(
        around.reader,
        _roster(users, around),
        buffer=buffer,
        limit=around.parallel,
        clock=around.clock,
        emit=around.emit,
    ) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, UserResult):
                continue
            batch.append(outcome)
            if len(batch) >= _USERS_AT_ONCE or sum(user.size for user in batch) >= _BYTES_AT_ONCE:
                hand_over()
        hand_over()


async def _roster(users: AsyncIterable[User], around: LiveReading) -> AsyncIterator[RosterUser]:
    async for user in users:
        around.stop.raise_if_stopped()
        yield RosterUser(0, around.service_sid, user.sid, user.identity)


def _decode(batch: list[FetchedUser], around: LiveReading, take: Take) -> None:
    now = around.clock.now()
    decoded = decode(batch, snapshot_at=now)
    for fetched, result in zip(batch, decoded.results, strict=True):
        if isinstance(result, UnusableAnswer):
            failed_result(fetched.user, result, clock=around.clock, emit=around.emit)
        else:
            around.emit(UserRead(fetched.user.user_sid, result, len(fetched.pages)))
    take(decoded.table, now)
