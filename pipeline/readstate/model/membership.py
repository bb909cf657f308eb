"""The current state of a membership, as far as it could be read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from readstate.model.change import Reason


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not read, or not readable; *reason* says which."""

    reason: str = "not read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
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


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such membership."""

    reason: Literal[Reason.USER_NOT_FOUND, Reason.NOT_A_MEMBER]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The membership could not be read."""

    detail: str


Current = Present | Absent | Unreadable
