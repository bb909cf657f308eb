"""The users whose conversations are read now: all of a service, or those that a file names."""

from collections.abc import AsyncIterator, Sequence

from readstate.concurrency import bounded_map
from readstate.errors import ApiError, BadInput, NotFound, Refused, TransportError
from readstate.events import RosterComplete, RosterPageRead, UserFailed, UserUnknown
from readstate.model.ids import is_sid
from readstate.model.resources import User
from readstate.snapshot.roster.selection import RosterEntry
from readstate.twilio.http.users_page import NO_SID
from readstate.twilio.read_context import ReadContext

_RESOLVED_AT_ONCE = 200


class OnlineUsers:
    """Records which of the users that pass through `watch` are online."""

    def __init__(self) -> None:
        self._online: set[str] = set()
        self._is_known = False

    @property
    def online(self) -> set[str] | None:
        """The SIDs of the users that are online; None where Twilio reported it of no user."""
        return self._online if self._is_known else None

    async def watch(self, users: AsyncIterator[User]) -> AsyncIterator[User]:
        """Yield *users* unchanged."""
        async for user in users:
            self._is_known |= user.is_online is not None
            if user.is_online:
                self._online.add(user.sid)
            yield user


async def all_users(context: ReadContext) -> AsyncIterator[User]:
    """Yield all users of the service while they are being listed."""
    count = 0
    async for page in context.reader.users(context.service_sid):
        count += len(page.users)
        context.emit(RosterPageRead(context.service_sid, len(page.users)))
        for user in page.users:
            if user.sid == NO_SID:
                context.emit(UserFailed(NO_SID, "Twilio's list of users holds a user without a SID", None))
            else:
                yield user
    context.emit(RosterComplete(count))


async def named_users(entries: Sequence[RosterEntry], context: ReadContext) -> AsyncIterator[User]:
    """Yield the users of a file, each once; users that do not exist are reported as events.

    A SID is used as it is, which costs no request.
    """
    seen: set[str] = set()
    for begin in range(0, len(entries), _RESOLVED_AT_ONCE):
        context.stop.raise_if_stopped()
        for user in await _resolved(entries[begin : begin + _RESOLVED_AT_ONCE], context):
            if user.sid not in seen:
                seen.add(user.sid)
                yield user
    context.emit(RosterComplete(len(entries)))


async def _resolved(entries: Sequence[RosterEntry], context: ReadContext) -> list[User]:
    async def resolve(entry: RosterEntry) -> User | None:
        if is_sid(entry.user, "US"):
            return User(sid=entry.user)
        try:
            return await context.reader.user(context.service_sid, entry.user)
        except Refused:  # concerns the credentials, not this user
            raise
        except NotFound as error:
            context.emit(UserUnknown(entry.user, entry.line, error.request_id))
        except (ApiError, TransportError, BadInput) as error:
            context.emit(UserFailed(entry.user, error.message, getattr(error, "request_id", None)))
        return None

    async with bounded_map(resolve, entries, limit=context.parallel) as found:
        return [user async for user in found if user is not None]
