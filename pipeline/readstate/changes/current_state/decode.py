"""Decode Twilio's resources into a membership, the same way for planning, applying and undoing. Pure."""

from datetime import UTC, datetime

from msgspec.structs import replace

from readstate.model.membership import Present, Unknown
from readstate.model.resources import Participant, UserConversation


def to_present(row: UserConversation) -> Present | None:
    """Return the membership of *row*; None where it does not name user and conversation."""
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
        last_read_timestamp=Unknown(),
    )


def with_participant(current: Present, participant: Participant) -> Present:
    """Return *current* with what *participant* says: it is newer, and alone has the timestamp."""
    return replace(
        current,
        participant_sid=participant.sid,
        last_read_message_index=participant.last_read_message_index,
        last_read_timestamp=parse_timestamp(participant.last_read_timestamp),
    )


def parse_timestamp(text: str | None) -> datetime | Unknown | None:
    """Return a `last_read_timestamp` in UTC; None where it was never set. Without an offset it is UTC already."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return Unknown(f"last_read_timestamp is {text!r}")
    # Twilio documents UTC and sends a Z; the participant's field is text, so that nothing guarantees it.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
