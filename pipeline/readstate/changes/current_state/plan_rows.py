"""Read the memberships of one user's rows right before they are written, and again after, with the fewest requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from readstate.changes.current_state.memberships import FetchedMembership, ReadResult, UserLines, read_user
from readstate.clock import Clock
from readstate.errors import ApiError, NotFound, Refused, TransportError
from readstate.model.change import Fields, Reason
from readstate.model.membership import Absent, Current, Present, Unknown, Unreadable
from readstate.model.plan import PlanRow
from readstate.model.resources import UserConversation
from readstate.twilio.client import Reader


@dataclass(frozen=True, slots=True)
class Observation:
    """One membership as read, and when that was: at the latest when the answer came."""

    current: Current
    at: datetime
    asked: float
    """By the monotonic clock, before anything was asked: what others changed earlier is surely seen."""
    answered: float
    """By the monotonic clock, when the answer had come."""


async def read_rows(
    reader: Reader, service_sid: str, rows: Sequence[PlanRow], clock: Clock
) -> Mapping[int, Observation]:
    """Read what *rows*, all of one user, are about; give it by plan_row_id. Raises `Refused`.

    One page of the user's list may serve many rows; a row that sets a timestamp takes one request more.
    """
    user_sid = rows[0].user_sid
    assert user_sid is not None
    lines = UserLines(
        user=user_sid,
        user_id=user_sid,
        conversations={row.conversation_sid: row.plan_row_id for row in rows if row.conversation_sid is not None},
    )
    asked = clock.monotonic()
    reading = await read_user(reader, service_sid, lines)
    at, answered = clock.now(), clock.monotonic()
    seen: dict[int, Observation] = {}
    for row in rows:
        current = _current(reading.found.get(row.conversation_sid or "", Unreadable("nobody asked")), row)
        if isinstance(current, Present) and Fields.TIMESTAMP in Fields(row.fields_mask):
            current = await _with_timestamp(reader, service_sid, current)
        seen[row.plan_row_id] = Observation(current, at, asked, answered)
    return seen


def present(row: UserConversation, *, last_read_timestamp: datetime | Unknown | None = None) -> Present | None:
    """What *row* says of a membership; None where it does not even name it."""
    if row.user_sid is None or row.conversation_sid is None:
        return None
    return Present(
        user_sid=row.user_sid,
        conversation_sid=row.conversation_sid,
        participant_sid=row.participant_sid,
        last_read_message_index=row.last_read_message_index,
        notification_level=row.notification_level,
        unread_messages_count=row.unread_messages_count,
        conversation_state=row.conversation_state,
        newest_message_index=Unknown(),
        last_read_timestamp=last_read_timestamp or Unknown(),
    )


def _current(found: ReadResult, row: PlanRow) -> Current:
    match found:
        case FetchedMembership(row=shown) if shown.conversation_sid == row.conversation_sid:
            return present(shown) or Unreadable("the answer names no membership")
        case FetchedMembership():
            return Unreadable("the answer is about another conversation")
        case Absent() | Unreadable():
            return found


async def _with_timestamp(reader: Reader, service_sid: str, current: Present) -> Current:
    """*current* with the only thing that the participant alone tells."""
    if current.participant_sid is None:
        return Unreadable("the answer names no participant")
    try:
        participant = await reader.participant(service_sid, current.conversation_sid, current.participant_sid)
    except Refused:
        raise
    except NotFound:
        return Absent(Reason.NOT_A_MEMBER)
    except (ApiError, TransportError) as error:
        return Unreadable(str(error))
    text = participant.last_read_timestamp
    return Present(
        user_sid=current.user_sid,
        conversation_sid=current.conversation_sid,
        participant_sid=participant.sid,
        last_read_message_index=participant.last_read_message_index,
        notification_level=current.notification_level,
        unread_messages_count=current.unread_messages_count,
        conversation_state=current.conversation_state,
        newest_message_index=current.newest_message_index,
        last_read_timestamp=None if text is None else _moment(text),
    )


def _moment(text: str) -> datetime | Unknown:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return Unknown(f"last_read_timestamp is {text!r}")
    return moment if moment.tzinfo is not None else Unknown(f"last_read_timestamp is {text!r}")
