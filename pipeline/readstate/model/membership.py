"""The current state of a membership, as far as it could be read."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from readstate.model.change import Reason


class Unknown(Struct, frozen=True):
    """Not read, or not readable; *reason* says which."""

    reason: str = "not read"


class Present(Struct, frozen=True, kw_only=True):
    """The current state of a membership."""

    user_sid: str
    conversation_sid: str
    participant_sid: str | None
    last_read_message_index: int | None
    """None: never set, which is neither read nor unread."""
    notification_level: str | None
    unread_messages_count: int | None = None
    conversation_state: str | None = None
    newest_message_index: int | Unknown | None
    """None where the conversation is empty."""
    last_read_timestamp: datetime | Unknown | None


class Absent(Struct, frozen=True):
    """There is no such membership."""

    reason: Literal[Reason.USER_NOT_FOUND, Reason.NOT_A_MEMBER]


class Unreadable(Struct, frozen=True):
    """The membership could not be read."""

    detail: str


Current = Present | Absent | Unreadable
