"""Send one write once, and return the answer in the terms of `readstate.changes.rules.answers`."""

from datetime import datetime

import msgspec
from msgspec import Struct

from readstate.changes.current_state.decode import to_present
from readstate.changes.rules.answers import Answer, Answered, Late, Lost, NeverSent
from readstate.changes.rules.preconditions import is_removal
from readstate.errors import NotSent, TooLate, TransportError, UnusableAnswer
from readstate.model.membership import Present
from readstate.model.plan import PlanRow
from readstate.model.resources import UserConversation
from readstate.text import format_moment
from readstate.twilio.client import Writer
from readstate.twilio.http.request import Request, delete_user_conversation, update_user_conversation
from readstate.twilio.http.response import Response


class SentWrite(Struct, frozen=True):
    """What became of one write."""

    answer: Answer
    request_id: str | None = None
    throttled: int = 0
    """How often it was refused with 429 and sent again."""


def request_for(service_sid: str, row: PlanRow, *, leave_by: float) -> Request:
    """Return the request that carries out *row*. Raise `BadInput` for anything but SIDs."""
    user_sid, conversation_sid = row.user_sid or "", row.conversation_sid or ""
    if is_removal(row):
        request = delete_user_conversation(service_sid, user_sid, conversation_sid)
    else:
        request = update_user_conversation(
            service_sid,
            user_sid,
            conversation_sid,
            last_read_message_index=row.set_index,
            last_read_timestamp=_rfc3339(row.set_timestamp),
            notification_level=row.set_level,
        )
    return msgspec.structs.replace(request, leave_by=leave_by)


async def send(writer: Writer, request: Request) -> SentWrite:
    """Send *request* once.

    Raise what ends the whole run: `NotPermitted`, `StoppedEarly`. Then *request* had no effect.
    """
    try:
        response = await writer.send(request)
    except TooLate as error:
        return SentWrite(Late(), throttled=error.throttled)
    except NotSent as error:
        return SentWrite(NeverSent(error.message), throttled=error.throttled)
    except TransportError as error:
        return SentWrite(Lost(error.message), throttled=error.throttled)
    return SentWrite(answered(request, response), response.request_id, response.throttled)


def answered(request: Request, response: Response) -> Answered:
    """Return *response* to *request* as an answer to a write."""
    if response.ok:
        return Answered(status=response.status, shown=None if request.method == "DELETE" else _shown(response))
    refusal = response.error(request)
    return Answered(status=response.status, code=refusal.code, message=refusal.detail)


def _shown(response: Response) -> Present | None:
    # A body that cannot be decoded does not make a success a failure: the row is read back.
    try:
        return to_present(response.json(UserConversation))
    except UnusableAnswer:
        return None


def _rfc3339(moment: datetime | None) -> str | None:
    return None if moment is None else format_moment(moment)
