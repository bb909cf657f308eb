"""Find the SIDs of identities: a request each, or by listing where an identity must not be part of a path."""

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from readstate.changes.current_state.context import ReadContext
from readstate.concurrency import bounded_map
from readstate.errors import NotFound, UnusableAnswer
from readstate.model.ids import is_sid, is_unsafe_in_path
from readstate.twilio.client import Reader


@dataclass(frozen=True, slots=True)
class Resolved:
    """The SIDs of identities; what is not among them does not exist."""

    sids: dict[str, str]
    requests: int


def needs_listing(user: str) -> bool:
    """Whether *user* can be found only by listing."""
    return is_unsafe_in_path(user)


async def resolve_by_listing(
    reader: Reader, service_sid: str, identities: Iterable[str], *, may_go_on: Callable[[], None]
) -> Resolved:
    """Walk the users of the service until every one of *identities* is found; *may_go_on* raises to end it early."""
    missing = set(identities)
    sids: dict[str, str] = {}
    requests = 0
    if not missing:
        return Resolved(sids, requests)
    async with aclosing(reader.users(service_sid)) as pages:  # type: ignore[type-var]
        async for page in pages:
            may_go_on()
            requests += 1
            for user in page.users:
                if user.identity in missing and is_sid(user.sid, "US"):
                    missing.discard(user.identity)
                    sids[user.identity] = user.sid
            if not missing:
                break
    return Resolved(sids, requests)


async def look_up(identities: Iterable[str], around: ReadContext) -> dict[str, str]:
    """Give the SID of each of *identities*; who does not exist is not among them.

    Raises `ApiError`, `TransportError` where one cannot be read, and `Stopped` where somebody asked.
    """
    wanted = list(identities)

    async def find(identity: str) -> tuple[str, str | None]:
        try:
            user = await around.reader.user(around.service_sid, identity)
        except NotFound:
            return identity, None
        if user.identity != identity:
            raise UnusableAnswer(f"the answer to {identity!r} is about another user, {user.sid}")
        return identity, user.sid

    listed = await resolve_by_listing(
        around.reader, around.service_sid, filter(needs_listing, wanted), may_go_on=around.stop.raise_if_stopped
    )
    plain = [identity for identity in wanted if not needs_listing(identity)]
    async with bounded_map(find, plain, limit=around.parallel) as found:
        return listed.sids | {identity: sid async for identity, sid in found if sid is not None}
