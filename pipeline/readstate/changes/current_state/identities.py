"""Find the users whose identity must not become part of a path, by walking the list of all users."""

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from readstate.changes.input.cells import bends_a_path
from readstate.model.ids import is_sid
from readstate.twilio.client import Reader


@dataclass(frozen=True, slots=True)
class Resolved:
    """The SIDs of identities; what is not among them does not exist."""

    sids: dict[str, str]
    requests: int


def needs_listing(user: str) -> bool:
    """Whether *user* can be found only by listing."""
    return bends_a_path(user)


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
