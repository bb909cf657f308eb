"""Fetch users' lists, many at once; a user has all of its pages, or the reason why not."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import ApiError, BadInput, NotFound, TransportError
from readstate.events import Observer, UserVanished
from readstate.snapshot.extract.spill import Page, Spill, bytes_in_memory
from readstate.snapshot.workspace.users import RosterUser, UserResult, failed_result
from readstate.twilio.client import Reader
from readstate.twilio.http.response import Response
from readstate.twilio.http.users_page import NO_SID

BUFFER_BYTES = 48 << 20


class FetchedUser(NamedTuple):
    """A user with the undecoded bodies of all pages of its list."""

    user: RosterUser
    pages: tuple[Page, ...]

    @property
    def size(self) -> int:
        """The bytes of its pages that are in memory."""
        return bytes_in_memory(self.pages)

    def bodies(self) -> Iterator[bytes]:
        """Return the pages in order; those on disk are read one at a time."""
        return (page if isinstance(page, bytes) else page.read() for page in self.pages)


class PageBuffer:
    """Bounds the memory of pages that are fetched and not yet decoded; pages beyond *limit* go to *spill*.

    It never blocks: a long list keeps its pages until the last one has come, and hundreds of such lists may be under
    way. If they waited for memory, a few would go on and the account's request slots would stay empty.
    """

    def __init__(self, spill: Spill, limit: int = BUFFER_BYTES) -> None:
        self._spill = spill
        self._limit = limit
        self.held = 0
        """Bytes in memory now."""

    def free(self, size: int) -> None:
        """Count *size* bytes as decoded."""
        self.held -= size

    async def collect(self, next_page: Callable[[], Awaitable[Response | None]]) -> tuple[Page, ...]:
        """Return the bodies of all pages; they count until `free` is called, or not at all after an error.

        Raise `LocalDisk`, and what *next_page* raises.
        """
        kept: list[Page] = []
        # Also where the task is cancelled: bytes that stayed counted would shrink the buffer for the rest of the run.
        try:
            while (page := await next_page()) is not None:
                if self.held + len(page.body) > self._limit:
                    kept.append(await self._spill.keep(page.body))
                else:
                    kept.append(page.body)
                    self.held += len(page.body)
                del page  # not kept while the next one is fetched
        except BaseException:
            self.free(bytes_in_memory(kept))
            raise
        return tuple(kept)


@asynccontextmanager
async def fetch_users(
    reader: Reader, users: AsyncIterable[RosterUser], *, buffer: PageBuffer, limit: int, clock: Clock, emit: Observer
) -> AsyncIterator[AsyncIterator[FetchedUser | UserResult]]:
    """Fetch *users*, at most *limit* at once, and yield outcomes as they are ready.

    An error that concerns one user is a `UserResult`. Raise `Refused` and `StoppedEarly`, which concern all users.
    """
    async with bounded_map(partial(_read_user, reader, buffer, clock, emit), users, limit=limit) as outcomes:
        yield outcomes


async def _read_user(
    reader: Reader, buffer: PageBuffer, clock: Clock, emit: Observer, user: RosterUser
) -> FetchedUser | UserResult:
    try:
        if user.user_sid == NO_SID:
            raise BadInput("Twilio's list of users holds a user without a SID, so its conversations cannot be read")
        conversations = reader.user_conversations(user.chat_service_sid, user.user_sid)
        return FetchedUser(user, await buffer.collect(partial(reader.next_page, conversations)))
    except NotFound as error:
        emit(UserVanished(user.user_sid, error.request_id))
        return UserResult(user.id, "vanished", None, clock.now(), request_id=error.request_id)
    except (ApiError, TransportError, BadInput) as error:
        return failed_result(user, error, clock=clock, emit=emit)
