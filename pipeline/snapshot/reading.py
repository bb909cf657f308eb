"""Reads users, many at once, and gives each back whole: all of its pages, or why not."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from pipeline.clock import Clock
from pipeline.concurrency import bounded_map
from pipeline.errors import ApiError, BadInput, NotFound, Refused, TransportError
from pipeline.events import Observer, UserFailed, UserVanished
from pipeline.snapshot.checkpoint import RosterUser, UserResult
from pipeline.twilio.client import Reader
from pipeline.twilio.response import Response

_ROOM_FOR_PAGES = 48 << 20
_GOING_ON_WITHOUT_ROOM = 8
_LACKS_PERMISSION = 70051


@dataclass(frozen=True, slots=True)
class UserInHand:
    """A user with the undecoded bodies of all pages."""

    user: RosterUser
    pages: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """The bytes of all pages."""
        return sum(map(len, self.pages))


class PageRoom:
    """Bounds the bytes of pages that are read and not yet decoded.

    A user whose list is long keeps its pages until the last one is in, so not all users may wait for room:
    when it is full, a few at a time go on to their end, and free what they hold.
    """

    def __init__(self, limit: int = _ROOM_FOR_PAGES) -> None:
        self._limit = limit
        self._held = 0
        self._going_on = asyncio.Semaphore(_GOING_ON_WITHOUT_ROOM)

    def free(self, size: int) -> None:
        """Give back *size* bytes."""
        self._held -= size

    async def collect(self, pages: AsyncIterable[Response]) -> tuple[bytes, ...]:
        """Gather the bodies of all *pages*, which stay counted until `free`; on an error none do."""
        bodies: list[bytes] = []
        size = 0
        in_turn = False
        try:
            async for page in pages:
                bodies.append(page.body)
                size += len(page.body)
                self._held += len(page.body)
                if self._held > self._limit and not in_turn:
                    in_turn = await self._going_on.acquire()
        except BaseException:
            self.free(size)
            raise
        finally:
            if in_turn:
                self._going_on.release()
        return tuple(bodies)


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
        return failed(user, error, clock=clock, emit=emit)


def failed(
    user: RosterUser, error: ApiError | TransportError | BadInput, *, clock: Clock, emit: Observer
) -> UserResult:
    """Note that *user* could not be read. Raises *error* itself where it concerns all users."""
    if isinstance(error, Refused) and error.code == _LACKS_PERMISSION:
        raise error
    status = code = request_id = None
    if isinstance(error, ApiError):
        status, code, request_id = error.status, error.code, error.request_id
    emit(UserFailed(user.user_sid, error.message, request_id))
    return UserResult(user.id, "failed", None, clock.now(), error.message, status, code, request_id)
