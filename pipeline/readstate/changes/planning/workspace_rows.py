"""Rows of the workspace's tables: what was read as columns, and back. Pure."""

from datetime import datetime
from typing import Any

import msgspec

from readstate.changes.current_state.decode import parse_timestamp
from readstate.changes.current_state.memberships import FetchedMembership, ReadResult
from readstate.changes.input.intents import Intent
from readstate.changes.input.staging import LineStatus, to_intent
from readstate.model.change import Reason
from readstate.model.ids import is_sid
from readstate.model.membership import Absent, Current, Present, Unknown, Unreadable
from readstate.model.resources import Participant


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line with all that was read for it."""

    intent: Intent
    status: LineStatus | None
    status_detail: str | None
    current: Current | None
    """None where the line cannot be used, so that its membership was not read."""
    read_at: datetime | None
    source: str | None
    participant_snapshot: bytes | None


def to_state_row(line: int, found: ReadResult, read_at: datetime) -> tuple[object, ...]:
    """Return a row of the table ``state``: what was found for *line*."""
    at = read_at.isoformat()
    match found:
        case Absent(reason):
            return (line, *[None] * 7, at, None, reason.value, None)
        case Unreadable(detail):
            return (line, *[None] * 7, at, None, None, detail)
        case FetchedMembership(row, source):
            return (
                line, row.user_sid, row.conversation_sid, _participant_sid(row.participant_sid),
                row.last_read_message_index, row.notification_level, row.unread_messages_count,
                row.conversation_state, at, source, None, None,
            )  # fmt: skip


def _participant_sid(text: str | None) -> str | None:
    return text if text is not None and is_sid(text, "MB") else None


def to_member_row(participant_sid: str, found: Participant | Unknown) -> tuple[object, ...]:
    """Return a row of the table ``member``."""
    if isinstance(found, Unknown):
        return participant_sid, None, found.reason, None
    return participant_sid, found.last_read_timestamp, None, msgspec.json.encode(found)


def to_line(row: tuple[Any, ...]) -> Line:
    """Return the line that a row of all joined tables holds."""
    status, status_detail = row[12:14]
    return Line(
        to_intent(row),
        None if status is None else LineStatus(status),
        status_detail,
        _to_current(row[14:]),
        None if row[22] is None else datetime.fromisoformat(row[22]),
        row[23],
        row[-1],
    )


def _to_current(row: tuple[Any, ...]) -> Current | None:
    (line, user_sid, conversation_sid, participant_sid, index, level, unread, state, _, _, absent, failure,
     asked_newest, newest, newest_failure, asked_member, timestamp, member_failure, _) = row  # fmt: skip
    if line is None:
        return None
    if absent is not None:
        return Absent(Reason[absent])  # type: ignore[arg-type]
    if failure is not None:
        return Unreadable(failure)
    return Present(
        user_sid=user_sid,
        conversation_sid=conversation_sid,
        participant_sid=participant_sid,
        last_read_message_index=index,
        notification_level=level,
        unread_messages_count=unread,
        conversation_state=state,
        newest_message_index=_known(asked_newest, newest_failure) or newest,
        last_read_timestamp=_known(asked_member, member_failure) or parse_timestamp(timestamp),
    )


def _known(asked: str | None, failure: str | None) -> Unknown | None:
    if asked is None:
        return Unknown()
    return Unknown(failure) if failure is not None else None
