"""Resolve account, service and server clock offset."""

from datetime import datetime, timedelta

from msgspec import Struct

from readstate.clock import Clock
from readstate.errors import BadInput, NotFound, NotPermitted
from readstate.model.plan import Target
from readstate.twilio.client import Reader
from readstate.twilio.http.request import list_users
from readstate.twilio.lists.moving_list import MovingList


class TargetInfo(Struct, frozen=True):
    """A target, and how far its clock is ahead of ours."""

    target: Target
    server_offset: timedelta
    requests: int

    def server_now(self, clock: Clock) -> datetime:
        return clock.now() + self.server_offset


async def find_target(reader: Reader, service: str | None, *, base_url: str, clock: Clock) -> TargetInfo:
    """Find the account and the service; None is the default one. Raise `BadInput`, `NotPermitted`."""
    configuration = await reader.configuration()
    service_sid = service or configuration.default_chat_service_sid
    if configuration.account_sid is None or service_sid is None:
        raise NotPermitted(
            "this account has no default Conversations service",
            hint="Name one: --service IS… (readstate doctor lists them).",
        )
    offset = await _offset(reader, service_sid, clock)
    target = Target(account_sid=configuration.account_sid, service_sid=service_sid, base_url=base_url.rstrip("/"))
    return TargetInfo(target, offset, requests=2)


async def _offset(reader: Reader, service_sid: str, clock: Clock) -> timedelta:
    """Compare clocks by a page of one user, which also proves that the service exists."""
    try:
        answer = await reader.next_page(MovingList(list_users(service_sid, page_size=1)))
    except NotFound as error:
        raise BadInput(
            f"there is no service {service_sid} in this account", hint="readstate doctor lists the services."
        ) from error
    moment = None if answer is None else answer.server_time
    if moment is None:
        return timedelta()
    # A Date header is cut to the second: less than two seconds apart counts as equal.
    offset = moment - clock.now().replace(microsecond=0)
    return offset if abs(offset) >= timedelta(seconds=2) else timedelta()
