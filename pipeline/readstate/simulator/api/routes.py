"""The routes of the simulated API: which path means which resource."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote

from readstate.simulator.api.behaviour import Resource
from readstate.simulator.api.resources import (
    account,
    conversations,
    messages,
    participant_conversations,
    participants,
    user_conversations,
    users,
)
from readstate.simulator.api.responses import Response

Handler = Callable[..., Response]
"""A function of a context and the references in the path."""

_USER: Final = "Users/{UserSid}"
_CONVERSATION: Final = "Conversations/{ConversationSid}"

SERVICE_ROUTES: Final[dict[str, dict[str, Handler]]] = {
    "Users": {"GET": users.list_page, "POST": users.create},
    _USER: {"GET": users.fetch, "POST": users.update, "DELETE": users.delete},
    f"{_USER}/Conversations": {"GET": user_conversations.list_page},
    f"{_USER}/{_CONVERSATION}": {
        "GET": user_conversations.fetch,
        "POST": user_conversations.update,
        "DELETE": user_conversations.delete,
    },
    "Conversations": {"GET": conversations.list_page, "POST": conversations.create},
    _CONVERSATION: {"GET": conversations.fetch, "POST": conversations.update, "DELETE": conversations.delete},
    f"{_CONVERSATION}/Participants": {"GET": participants.list_page, "POST": participants.create},
    f"{_CONVERSATION}/Participants/{{Sid}}": {
        "GET": participants.fetch,
        "POST": participants.update,
        "DELETE": participants.delete,
    },
    "ParticipantConversations": {"GET": participant_conversations.list_page},
    f"{_CONVERSATION}/Messages": {"GET": messages.list_page, "POST": messages.create},
    f"{_CONVERSATION}/Messages/{{Sid}}": {"GET": messages.fetch, "POST": messages.update, "DELETE": messages.delete},
}
ACCOUNT_ROUTES: Final[dict[str, dict[str, Handler]]] = {
    "Services": {"GET": account.list_services, "POST": account.create_service},
    "Services/{ChatServiceSid}": {"GET": account.fetch_service, "DELETE": account.delete_service},
    "Configuration": {"GET": account.fetch_configuration, "POST": account.update_configuration},
}
ONE_SERVICE_ROUTES: Final[dict[str, dict[str, Handler]]] = {
    "Configuration": {"GET": account.fetch_service_configuration},
}


_RESOURCES: Final[dict[str, Resource]] = {
    "Services": "services",
    "Configuration": "configuration",
    "Users": "users",
    "Conversations": "conversations",
    "Participants": "participants",
    "Messages": "messages",
    "ParticipantConversations": "participant_conversations",
}


class Route(NamedTuple):
    """What a path means."""

    template: str
    """The path with names in place of references: what the counters count by."""
    handlers: dict[str, Handler]
    service_sid: str | None
    """None in the family of the default service."""
    resource: Resource
    references: tuple[str, ...]


def _shape(template: str) -> str:
    return "/".join("*" if part.startswith("{") else part for part in template.split("/"))


_BY_SHAPE: Final = {_shape(name): (name, handlers) for name, handlers in SERVICE_ROUTES.items()}
_BY_ACCOUNT_SHAPE: Final = {_shape(name): (name, handlers) for name, handlers in ACCOUNT_ROUTES.items()}
_BY_ONE_SERVICE_SHAPE: Final = _BY_SHAPE | {
    _shape(name): (name, handlers) for name, handlers in ONE_SERVICE_ROUTES.items()
}


def find_route(raw_path: str, *, encoded_slash_separates: bool = False) -> Route | None:
    """Return the route of *raw_path*, which is still percent-encoded; None if there is none."""
    if encoded_slash_separates:
        raw_path = raw_path.replace("%2F", "/").replace("%2f", "/")
    version, *parts = _without_dots(raw_path.split("/")[1:])
    if version != "v1":
        return None
    if len(parts) > 2 and parts[0] == "Services":
        return _match(parts[2:], _BY_ONE_SERVICE_SHAPE, service_sid=parts[1])
    return _match(parts, _BY_SHAPE) or _match(parts, _BY_ACCOUNT_SHAPE)


def _match(
    parts: Sequence[str], shapes: dict[str, tuple[str, dict[str, Handler]]], *, service_sid: str | None = None
) -> Route | None:
    # References stand at the odd places, and may hold anything but a slash.
    found = shapes.get("/".join("*" if place % 2 else part for place, part in enumerate(parts)))
    if found is None:
        return None
    name, handlers = found
    family = "" if service_sid is None else "Services/{ChatServiceSid}/"
    references = tuple(unquote(part) for part in parts[1::2])
    return Route(f"/v1/{family}{name}", handlers, service_sid, _resource(parts[::2]), references)


def _resource(collections: Sequence[str]) -> Resource:
    return "user_conversations" if list(collections) == ["Users", "Conversations"] else _RESOURCES[collections[-1]]


def _without_dots(parts: list[str]) -> list[str]:
    # As every server in front of an API does: a client that sends ".." unencoded means another path.
    if "." not in parts and ".." not in parts:
        return parts
    kept: list[str] = []
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    return kept or [""]
