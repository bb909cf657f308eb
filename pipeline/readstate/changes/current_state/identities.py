"""Find the SIDs of identities: a request each, or by listing where an identity must not be part of a path."""

from collections.abc import Iterable
from contextlib import aclosing

from msgspec import Struct

from readstate.changes.current_state.batches import STOPPED_HINT, read_each
from readstate.errors import NotFound, UnusableAnswer
from readstate.model.ids import is_sid, is_unsafe_in_path
from readstate.twilio.read_context import ReadContext


class Resolved(Struct, frozen=True):
    """The SIDs of identities; an identity that is missing here does not exist."""

    sids: dict[str, str]
    requests: int


async def resolve_identities(identities: Iterable[str], context: ReadContext) -> dict[str, str]:
    """Return the SID of each of *identities* that exists.

    Raise `ApiError`, `TransportError` where one cannot be read, and `Stopped`.
    """
    wanted = list(identities)

    async def find(identity: str) -> tuple[str, str | None]:
        try:
            user = await context.reader.user(context.service_sid, identity)
        except NotFound:
            return identity, None
        # A proxy or a case-insensitive index may answer with another user, who would then be excluded or changed.
        if user.identity != identity:
            raise UnusableAnswer(f"the answer to {identity!r} is about another user, {user.sid}")
        return identity, user.sid

    listed = await resolve_by_listing(filter(is_unsafe_in_path, wanted), context)
    plain = [identity for identity in wanted if not is_unsafe_in_path(identity)]
    async with read_each(find, plain, context) as found:
        return listed.sids | {identity: sid async for identity, sid in found if sid is not None}


async def resolve_by_listing(identities: Iterable[str], context: ReadContext) -> Resolved:
    """List the users of the service until every one of *identities* is found.

    Raise `Stopped`, and `UnusableAnswer` where one may be missing only because the list is damaged.
    """
    missing = set(identities)
    sids: dict[str, str] = {}
    requests = 0
    unnamed: dict[str, str] = {}
    if not missing:
        return Resolved(sids, requests)
    async with aclosing(context.reader.users(context.service_sid)) as pages:  # type: ignore[type-var]
        async for page in pages:
            context.stop.raise_if_stopped(hint=STOPPED_HINT)
            requests += 1
            unnamed |= {name: why for name, why in page.left_empty.items() if name in {"sid", "identity"}}
            for user in page.users:
                if user.identity in missing and is_sid(user.sid, "US"):
                    missing.discard(user.identity)
                    sids[user.identity] = user.sid
            if not missing:
                break
    if missing and unnamed:
        name, why = next(iter(unnamed.items()))
        raise UnusableAnswer(
            f"{min(missing)!r} was not found, but a user of the list has a {name} that cannot be used: {why}"
        )
    return Resolved(sids, requests)
