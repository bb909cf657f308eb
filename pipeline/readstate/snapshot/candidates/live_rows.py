"""Reads the conversations of users as tables for immediate use; nothing is published."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from datetime import datetime

import pyarrow as pa
from msgspec import Struct, field

from readstate.errors import UnusableAnswer
from readstate.events import Event, UserFailed, UserRead, UserUnknown, UserVanished
from readstate.model.resources import User
from readstate.snapshot.extract.decode import decode
from readstate.snapshot.extract.fetch import FetchedUser, PageBuffer, fetch_users
from readstate.snapshot.extract.spill import Spill
from readstate.snapshot.parts.derived_columns import with_derived_columns
from readstate.snapshot.workspace.users import RosterUser, UserResult, failed_result
from readstate.twilio.read_context import ReadContext

_BYTES_AT_ONCE = 4 << 20
_USERS_AT_ONCE = 200
_FAILURES_KEPT = 20

RowSink = Callable[[pa.Table, datetime], None]
"""Receives some rows and the time they were read at."""


class UserTally(Struct):
    """An observer that counts users by their result."""

    read: int = 0
    vanished: int = 0
    unknown: int = 0
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
            case UserUnknown():
                self.unknown += 1
            case UserFailed(user, reason):
                self.failed += 1
                if len(self.failures) < _FAILURES_KEPT:
                    self.failures.append(f"{user}: {reason}")


async def read_rows(users: AsyncIterable[User], context: ReadContext, receive: RowSink) -> None:
    """Read all conversations of *users*, many at once, and pass them to *receive*, a few hundred users at a time.

    A user's rows are passed complete or not at all; events report the result of each user.
    Raise `Stopped` where a stop was requested, and `Refused` where the credentials may not read.
    """
    buffer = PageBuffer(Spill())
    batch: list[FetchedUser] = []

    # Decoded on the event loop: a batch takes some 10 ms, and what receives the rows needs no lock.
    def flush() -> None:
        _decode(batch, context, receive)
        buffer.free(sum(user.size for user in batch))
        batch.clear()

    async with fetch_users(
        context.reader,
        _roster(users, context),
        buffer=buffer,
        limit=context.parallel,
        clock=context.clock,
        emit=context.emit,
    ) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, UserResult):
                continue
            batch.append(outcome)
            if len(batch) >= _USERS_AT_ONCE or sum(user.size for user in batch) >= _BYTES_AT_ONCE:
                flush()
        flush()


async def _roster(users: AsyncIterable[User], context: ReadContext) -> AsyncIterator[RosterUser]:
    async for user in users:
        context.stop.raise_if_stopped()
        yield RosterUser(0, context.service_sid, user.sid, user.identity)


def _decode(batch: list[FetchedUser], context: ReadContext, receive: RowSink) -> None:
    now = context.clock.now()
    decoded = decode(batch)
    for fetched, result in zip(batch, decoded.results, strict=True):
        if isinstance(result, UnusableAnswer):
            failed_result(fetched.user, result, clock=context.clock, emit=context.emit)
        else:
            context.emit(UserRead(fetched.user.user_sid, result, len(fetched.pages)))
    receive(with_derived_columns(decoded.table, now), now)
