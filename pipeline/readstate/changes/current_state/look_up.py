"""Find the SIDs of identities: a request each, or by listing where an identity must not be part of a path."""

from collections.abc import Iterable

from readstate.changes.current_state.identities import needs_listing, resolve_by_listing
from readstate.changes.planning.gather import Reading
from readstate.concurrency import bounded_map
from readstate.errors import NotFound, UnusableAnswer


async def look_up(identities: Iterable[str], around: Reading) -> dict[str, str]:
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
        around.reader, around.service_sid, filter(needs_listing, wanted), may_go_on=around.stop.check
    )
    plain = [identity for identity in wanted if not needs_listing(identity)]
    async with bounded_map(find, plain, limit=around.parallel) as found:
        return listed.sids | {identity: sid async for identity, sid in found if sid is not None}
