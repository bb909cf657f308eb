"""The fields of Twilio's resources by its OpenAPI description (2026-04-14), as types that a row fits or not. Pure.

Every field may be null but those whose kind ends with `!`. A field whose name ends with `?` is left out in one of the
two families of paths.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from readstate.probe.finding import plain_name

_TABLE: Final = {
    "services": "account_sid:AC sid:IS friendly_name:text date_created:date date_updated:date url:text links:links",
    "configuration": (
        "account_sid:AC default_chat_service_sid:IS default_messaging_service_sid:MG default_inactive_timer:text"
        " default_closed_timer:text url:text links:links"
    ),
    "service_configuration": (
        "chat_service_sid:IS default_conversation_creator_role_sid:RL default_conversation_role_sid:RL"
        " default_chat_service_role_sid:RL url:text links:links reachability_enabled:truth"
    ),
    "users": (
        "sid:US account_sid:AC chat_service_sid:IS role_sid:RL identity:text friendly_name:text attributes:text"
        " is_online:truth is_notifiable:truth date_created:date date_updated:date url:text links:links"
    ),
    "user_conversations": (
        "account_sid:AC chat_service_sid:IS conversation_sid:CH unread_messages_count:number"
        " last_read_message_index:number participant_sid:MB user_sid:US friendly_name:text"
        " conversation_state:view_state! timers:timers attributes:text date_created:date date_updated:date"
        " created_by:text notification_level:level! unique_name:text url:text links:links"
    ),
    "conversations": (
        "account_sid:AC chat_service_sid:IS messaging_service_sid:MG sid:CH friendly_name:text unique_name:text"
        " attributes:text state:state! date_created:date date_updated:date timers:timers url:text links:links"
        " bindings:any"
    ),
    "participants": (
        "account_sid:AC chat_service_sid?:IS conversation_sid:CH sid:MB identity:text attributes:text"
        " messaging_binding:any role_sid:RL date_created:date date_updated:date url:text last_read_message_index:number"
        " last_read_timestamp:text"
    ),
    "messages": (
        "account_sid:AC chat_service_sid?:IS conversation_sid:CH sid:IM index:number! author:text body:text media:list"
        " attributes:text participant_sid:MB date_created:date date_updated:date delivery:any url:text links:links"
        " content_sid:HX"
    ),
    "participant_conversations": (
        "account_sid:AC chat_service_sid:IS participant_sid:MB participant_user_sid:US participant_identity:text"
        " participant_messaging_binding:any conversation_sid:CH conversation_unique_name:text"
        " conversation_friendly_name:text conversation_attributes:text conversation_date_created:date"
        " conversation_date_updated:date conversation_created_by:text conversation_state:view_state!"
        " conversation_timers:timers links:links"
    ),
}
_KINDS: Final[dict[str, Any]] = {
    "text": str, "number": int, "truth": bool, "date": datetime, "list": list[Any], "links": dict[str, str | None],
    "timers": dict[str, datetime | None], "any": Any,
    "state": Literal["initializing", "inactive", "active", "closed"],
    "view_state": Literal["inactive", "active", "closed"], "level": Literal["default", "muted"],
}  # fmt: skip
_ENUM_VALUE: Final = re.compile("(?<=enum value )'([^']*)'")


class Described(msgspec.Struct, frozen=True):
    """What the description says of one resource."""

    known: frozenset[str]
    """Its fields."""
    required: frozenset[str]
    """Those that it has in both families of paths."""
    types: type[msgspec.Struct]

    def problem(self, row: Mapping[str, Any]) -> str:
        """Return the first type that is another, in words without values; empty where there is none."""
        try:
            msgspec.convert(row, self.types)
        except msgspec.ValidationError as error:
            return _ENUM_VALUE.sub(lambda found: repr(plain_name(found[1])), str(error))[:120]
        return ""


def _described(text: str) -> Described:
    pairs = [(name, kind) for name, _, kind in (word.partition(":") for word in text.split())]
    names = [name.rstrip("?") for name, _ in pairs]
    fields = [(name, _type(kind), msgspec.UNSET) for name, (_, kind) in zip(names, pairs, strict=True)]
    return Described(
        known=frozenset(names),
        required=frozenset(name for name, _ in pairs if not name.endswith("?")),
        types=msgspec.defstruct("Row", fields),
    )


def _type(kind: str) -> Any:
    plain = kind.rstrip("!")
    if len(plain) == 2:  # the letters that a SID begins with
        return Annotated[str, msgspec.Meta(pattern=f"^{plain}[0-9a-fA-F]{{32}}$")] | None
    return _KINDS[plain] if kind.endswith("!") else _KINDS[plain] | None


DESCRIBED: Final = {name: _described(text) for name, text in _TABLE.items()}
