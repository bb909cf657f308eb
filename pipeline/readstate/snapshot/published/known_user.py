"""A user as a published snapshot knows it."""

from typing import NamedTuple


class KnownUser(NamedTuple):
    """A user whose conversations a snapshot holds."""

    chat_service_sid: str
    user_sid: str
    identity: str | None
    """Never changes at Twilio; None also where the snapshot leaves personal data out."""
    conversations: int
