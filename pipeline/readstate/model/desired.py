"""What a line of a changes file asks for."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct

NotificationLevel = Literal["default", "muted"]
NOTIFICATION_LEVELS: tuple[NotificationLevel, ...] = ("default", "muted")

LATEST: Literal["@latest"] = "@latest"
"""Asks for the newest message's index, whatever it is when the plan is made."""


class Operation(StrEnum):
    """What a line of a changes file asks for."""

    UPDATE = "update"
    DELETE = "delete"


class Update(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Set the fields that are given; None leaves a field alone."""

    last_read_message_index: int | Literal["@latest"] | None = None
    last_read_timestamp: datetime | None = None
    notification_level: NotificationLevel | None = None


class Removal(Struct, frozen=True):
    """Remove the user from the conversation."""


DesiredChange = Update | Removal


class Expectation(Struct, frozen=True, kw_only=True):
    """What the author of the line believes to be true now; None believes nothing."""

    last_read_message_index: int | None = None
    notification_level: NotificationLevel | None = None
