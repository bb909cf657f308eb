"""The facts of a selection that a plan was made from."""

from typing import Any

import msgspec

SELECTION = "selection"
"""Its key among the options of a plan's manifest."""


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Who sees a change at once: Twilio notifies every connected app of the user and of the conversation's members."""

    users: int
    """Users of whom something changes."""
    conversations: int
    """Conversations in which something changes; their other members are notified too."""
    online: int | None
    """How many of the users are connected now; None where the service's reachability is off."""


class SelectionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was read, what was selected, and what was left out and why."""

    conditions: dict[str, Any]
    """As asked for."""
    users: int
    """Users whose conversations were read."""
    users_vanished: int
    users_failed: int
    """Users that could not be read: nothing is planned for them."""
    rows: int
    """Conversations of users that were looked at: the selected ones, and those left out."""
    selected: int
    left_out: dict[str, int]
    """Rows by the first reason for leaving them alone."""
    audience: Audience
