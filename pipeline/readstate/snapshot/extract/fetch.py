"""Reads users, many at once, and gives each back whole: all of its pages, or why not."""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from readstate.clock import Clock
from readstate.concurrency import bounded_map
from readstate.errors import ApiError, BadInput, NotFound, TransportError
from readstate.events import Observer, UserVanished
from readstate.snapshot.extract.decode import UserPages
from readstate.snapshot.extract.spill import Bodies, Page, Spill, bytes_in_memory
from readstate.snapshot.workspace.users import RosterUser, UserResult, failed_result
from readstate.twilio.client import Reader
from readstate.twilio.http.response import Response

_ROOM_FOR_PAGES = 48 << 20
_LACKS_PERMISSION = 70051


@dataclass(frozen=True, slots=True)
class UserInHand:
    """A user with the undecoded bodies of all pages."""

    user: RosterUser
    pages: tuple[Page, ...]

    @property
    def size(self) -> int:
        """The bytes of its pages that are in memory."""
        return bytes_in_memory(self.pages)

    @property
    def undecoded(self) -> UserPages:
        """The same for the decoder."""
        return UserPages(self.user.chat_service_sid, self.user.user_sid, self.user.identity, Bodies(self.pages))


class PageRoom:
    """Bounds the memory of pages that are read and not yet decoded; what finds no room goes to *spill*.

    A user whose list is long keeps its pages until the last one is in, and hundreds of such users may be under way:
    were they to wait for room, a few would go on and the account's slots would stay empty.
    """

    def __init__(self, spill: Spill, limit: int = _ROOM_FOR_PAGES) -> None:
        self._spill = spill
        self._limit = limit
        self._held = 0

    def free(self, size: int) -> None:
        """Give back *size* bytes."""
        self._held -= size

    async def collect(self, pages: AsyncIterable[Response]) -> tuple[Page, ...]:
        """Gather the bodies of all *pages*, which stay counted until `free`; on an error none do.

        Raises `LocalDisk`, and what reading them raises.
        """
        kept: list[Page] = []
        try:
            async for page in pages:
                if self._held + len(page.body) > self._limit:
                    kept.append(await self._spill.keep(page.body))
                else:
                    kept.append(page.body)
                    self._held += len(page.body)
        except BaseException:
            self.free(bytes_in_memory(kept))
            raise
        return tuple(kept)


@asynccontextmanager
async def users_read(
    reader: Reader, users: AsyncIterable[RosterUser], *, room: PageRoom, limit: int, clock: Clock, emit: Observer
) -> AsyncIterator[AsyncIterator[UserInHand | UserResult]]:
    """Read *users*, at most *limit* at once; the results come as they are ready.

    Raises `Refused` and `StoppedEarly`, which concern all users; what concerns one user is a `UserResult`.
    """
    async with bounded_map(partial(_read_user, reader, room, clock, emit), users, limit=limit) as outcomes:
        yield outcomes


async def _read_user(
    reader: Reader, room: PageRoom, clock: Clock, emit: Observer, user: RosterUser
) -> UserInHand | UserResult:
    try:
        pages = reader.user_conversation_pages(user.chat_service_sid, user.user_sid)
        return UserInHand(user, await room.collect(pages))
    except NotFound as error:
        emit(UserVanished(user.user_sid, error.request_id))
        return UserResult(user.id, "vanished", None, clock.now(), request_id=error.request_id)
    except (ApiError, TransportError, BadInput) as error:
        return failed_result(user, error, clock=clock, emit=emit)
