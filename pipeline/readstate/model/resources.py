"""Twilio's resources as values, with Twilio's field names."""

from datetime import datetime
from typing import Any

import msgspec

UNREAD_CAP = 1000
"""Twilio counts no further: 1000 means 1000 or more (documentation of the User Conversation resource)."""


class Timers(msgspec.Struct, frozen=True):
    """When a conversation will change its state by itself."""

    date_inactive: datetime | None = None
    date_closed: datetime | None = None


class Links(msgspec.Struct, frozen=True):
    """Addresses of the resources behind a UserConversation."""

    participant: str | None = None
    conversation: str | None = None


class UserConversation(msgspec.Struct, frozen=True, kw_only=True):
    """One user's view of one conversation; Twilio says of every field that it may be null."""

    account_sid: str | None = None
    chat_service_sid: str | None = None
    conversation_sid: str | None = None
    unread_messages_count: int | None = None
    """At most 1000, and a few seconds late; None where no horizon was ever set."""
    last_read_message_index: int | None = None
    """The read horizon. None means never set, a third state that is neither read nor unread."""
    participant_sid: str | None = None
    user_sid: str | None = None
    friendly_name: str | None = None
    conversation_state: str | None = None
    timers: Timers | None = None
    attributes: str | None = None
    """JSON as text, as Twilio sent it."""
    date_created: datetime | None = None
    """Of the conversation, not of the membership; `date_updated` too."""
    date_updated: datetime | None = None
    created_by: str | None = None
    notification_level: str | None = None
    unique_name: str | None = None
    url: str | None = None
    links: Links | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One user of one service: the same identity in two services is two users."""

    sid: str
    account_sid: str | None = None
    chat_service_sid: str | None = None
    role_sid: str | None = None
    identity: str | None = None
    friendly_name: str | None = None
    attributes: str | None = None
    is_online: bool | None = None
    """None where the service's reachability is off."""
    date_created: datetime | None = None
    date_updated: datetime | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One Conversations service of the account."""

    sid: str
    account_sid: str | None = None
    friendly_name: str | None = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The account's configuration."""

    account_sid: str | None = None
    default_chat_service_sid: str | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation, as far as changes need it."""

    sid: str
    chat_service_sid: str | None = None
    unique_name: str | None = None
    friendly_name: str | None = None
    state: str | None = None


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """One member of one conversation: the only resource with `last_read_timestamp`."""

    sid: str
    conversation_sid: str | None = None
    identity: str | None = None
    role_sid: str | None = None
    attributes: str | None = None
    date_created: datetime | None = None
    last_read_message_index: int | None = None
    last_read_timestamp: str | None = None
    messaging_binding: Any = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message, as far as its place in the conversation goes."""

    sid: str | None = None
    index: int | None = None
