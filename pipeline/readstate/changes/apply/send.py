"""Send one change once, and say in the words of `settle` what came of it."""

from collections import Counter
from datetime import UTC, datetime

from msgspec.structs import replace

from readstate.changes.current_state.decode import to_present
from readstate.changes.rules.preconditions import RemoveMember, Sending, SetFields
from readstate.changes.rules.settle import Answer, Answered, Late, Lost, NeverSent
from readstate.errors import NotSent, TooLate, TransportError, UnusableAnswer
from readstate.events import Event, Retried
from readstate.model.membership import Present
from readstate.model.plan import PlanRow
from readstate.model.resources import UserConversation
from readstate.twilio.client import Writer
from readstate.twilio.http.request import Request, delete_user_conversation, update_user_conversation
from readstate.twilio.http.response import Response


class Repetitions:
    """Counts how often writes were refused as too many (429) and sent again; they are told apart by their path."""

    def __init__(self) -> None:
        self._by_path: Counter[str] = Counter()

    def observe(self, event: Event) -> None:
        """Take *event* in; anything but a repeated write is ignored."""
        if isinstance(event, Retried) and event.method != "GET" and event.reason == "status 429":
            self._by_path[event.path] += 1

    def take(self, path: str) -> int:
        """Give the count of *path* and forget it."""
        return self._by_path.pop(path, 0)


def request_for(service_sid: str, row: PlanRow, sending: Sending, *, leave_by: float) -> Request:
    """The request that makes *sending* of *row* happen. Raises `BadInput` for anything but SIDs."""
    user_sid, conversation_sid = row.user_sid or "", row.conversation_sid or ""
    match sending:
        case RemoveMember():
            request = delete_user_conversation(service_sid, user_sid, conversation_sid)
        case SetFields():
            request = update_user_conversation(
                service_sid,
                user_sid,
                conversation_sid,
                last_read_message_index=sending.last_read_message_index,
                last_read_timestamp=_as_sent(sending.last_read_timestamp),
                notification_level=sending.notification_level,
            )
    return replace(request, leave_by=leave_by)


async def send(writer: Writer, request: Request) -> tuple[Answer, str | None]:
    """Send *request* and give the answer, and the id that Twilio gave the request.

    Raises whatever ends the run for everybody: `NotPermitted`, `StoppedEarly`. Then *request* had no effect.
    """
    try:
        response = await writer.send(request)
    except TooLate:
        return Late(), None
    except NotSent as error:
        return NeverSent(error.message), None
    except TransportError as error:
        return Lost(error.message), None
    return answered(request, response), response.request_id


def answered(request: Request, response: Response) -> Answered:
    """What *response* says."""
    if response.ok:
        return Answered(status=response.status, shown=None if request.method == "DELETE" else _shown(response))
    refusal = response.error(request)
    return Answered(status=response.status, code=refusal.code, message=refusal.detail)


def _shown(response: Response) -> Present | None:
    try:
        return to_present(response.json(UserConversation))
    except UnusableAnswer:
        return None


def _as_sent(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
