"""What exists in a world, as values. Tuples rather than dataclasses: a page of 50 rows makes 150 of them."""

from typing import Literal, NamedTuple

from readstate.simulator.seed.message_indices import Messages

NotificationLevel = Literal["default", "muted"]
ConversationState = Literal["active", "inactive", "closed"]


class User(NamedTuple):
    """A user of one service."""

    number: int
    sid: str
    identity: str
    friendly_name: str | None
    attributes: str
    role_sid: str
    is_online: bool | None
    is_notifiable: bool | None
    date_created: int
    date_updated: int


class Conversation(NamedTuple):
    """A conversation of one service; its members are kept elsewhere. Dates are seconds since 1970."""

    number: int
    sid: str
    friendly_name: str | None
    unique_name: str | None
    state: ConversationState
    date_inactive: int | None
    date_closed: int | None
    attributes: str
    created_by: str | None
    date_created: int
    date_updated: int
    messages: Messages


class Participant(NamedTuple):
    """One user's membership in one conversation, with the read horizon. Dates are seconds since 1970."""

    sid: str
    user: int
    """The user's number."""
    last_read_message_index: int | None
    """None means that it was never set: neither read nor unread."""
    last_read_timestamp: int | None
    notification_level: NotificationLevel
    date_created: int
    date_updated: int
    attributes: str = "{}"


class Message(NamedTuple):
    """A message of a conversation."""

    sid: str
    at: int
    """Its index; a tuple's own `index` is something else."""
    author: str | None
    body: str | None
    date_created: int
    date_updated: int | None = None
    """None until it is edited."""
    attributes: str = "{}"


class Configuration(NamedTuple):
    """What applies to the whole account."""

    default_service: int = 0
    """The number of the service that paths without a service mean."""
    messaging_service_sid: str | None = None
    inactive_timer: str | None = None
    closed_timer: str | None = None
