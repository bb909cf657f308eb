"""Requests as values, built so that no input can change the path's structure.

Paths and parameters follow Twilio's OpenAPI description of Conversations v1 (2026-04-14).
"""

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from readstate.errors import BadInput
from readstate.model.ids import is_sid

Method = Literal["GET", "POST", "DELETE"]

_SERVICE = re.compile(r"/v1/Services/([^/]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

MAX_PAGE_SIZE = 50
"""Twilio's maximum for Users and UserConversations since 2025-06-12; other lists allow 100."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One HTTP request to the Conversations API; as JSON, the resume point of a list in a checkpoint."""

    method: Method
    path: str
    """Percent-encoded, begins with ``/v1/``, holds no query."""
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    leave_by: float | None = None
    """By the monotonic clock: later than this the request must not leave any more; None for any time."""

    @property
    def target(self) -> str:
        """The path with its query, as it goes on the wire."""
        return f"{self.path}?{_encoded(self.query)}" if self.query else self.path

    @property
    def domain(self) -> str | None:
        """Which rate limit the request counts against: ``writes:IS…`` or ``writes:default``; None for a read."""
        if self.method == "GET":
            return None
        service = _SERVICE.match(self.path)
        return f"writes:{service[1] if service else 'default'}"

    @property
    def is_urgent(self) -> bool:
        """Whether the request is sent before others of its domain, because further requests depend on its response.

        Users' lists wait for pages of the user list, and pages of one list can only be read one after the other.
        """
        return self.path.endswith("/Users") or any(name == "PageToken" for name, _ in self.query)


_encoded = lru_cache(maxsize=64)(urlencode)  # nearly all ask for the first page of the same size


def segment(text: str) -> str:
    """Percent-encode *text* as exactly one path segment.

    Raises `BadInput` for what encoding cannot protect: HTTP libraries normalise dot segments, so that
    ``DELETE …/Conversations/..`` would delete the user.
    """
    if text.isascii() and text.isalnum():  # as SIDs are
        return text
    if text in {"", ".", ".."}:
        raise BadInput(f"{text!r} cannot be part of a path", hint="Use the SID (US… or CH…) instead.")
    if _CONTROL.search(text):
        raise BadInput(f"{text!r} holds a control character", hint="Use the SID (US… or CH…) instead.")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise BadInput(f"{text!r} is not valid Unicode", hint="Use the SID (US… or CH…) instead.") from None


def list_services() -> Request:
    """Return the request for all services of the account."""
    return _list("/v1/Services", MAX_PAGE_SIZE)


def fetch_configuration() -> Request:
    """Return the request for the account's configuration, which names the default service."""
    return Request("GET", "/v1/Configuration")


def list_users(service: str | None, page_size: int = MAX_PAGE_SIZE) -> Request:
    """Return the request for all users of *service*; None is the default one."""
    return _list(f"{_service(service)}/Users", page_size)


def fetch_user(service: str | None, user: str) -> Request:
    """Return the request for one user by SID or identity."""
    return Request("GET", f"{_service(service)}/Users/{segment(user)}")


def list_user_conversations(service: str | None, user: str, page_size: int = MAX_PAGE_SIZE) -> Request:
    """Return the request for all conversations of *user*, a SID or an identity."""
    return _list(f"{_service(service)}/Users/{segment(user)}/Conversations", page_size)


def fetch_user_conversation(service: str | None, user: str, conversation: str) -> Request:
    """Return the request for one conversation of one user; each a SID or its alias."""
    return Request("GET", f"{_service(service)}/Users/{segment(user)}/Conversations/{segment(conversation)}")


def update_user_conversation(
    service: str | None,
    user_sid: str,
    conversation_sid: str,
    *,
    last_read_message_index: int | None = None,
    last_read_timestamp: str | None = None,
    notification_level: str | None = None,
) -> Request:
    """Return the request that sets the given fields; None leaves a field unchanged.

    *last_read_timestamp* is RFC 3339 in UTC. Raises `BadInput` where an id is no SID or nothing is set:
    Twilio answers an empty form with 400/20161.
    """
    fields = {
        "LastReadMessageIndex": None if last_read_message_index is None else str(last_read_message_index),
        "LastReadTimestamp": last_read_timestamp,
        "NotificationLevel": notification_level,
    }
    form = tuple((name, value) for name, value in fields.items() if value is not None)
    if not form:
        raise BadInput(f"nothing to set for {user_sid} in {conversation_sid}")
    return _change("POST", service, user_sid, conversation_sid, form)


def delete_user_conversation(service: str | None, user_sid: str, conversation_sid: str) -> Request:
    """Return the request that removes the user from the conversation. Raises `BadInput` where an id is no SID."""
    return _change("DELETE", service, user_sid, conversation_sid, ())


def fetch_conversation(service: str | None, conversation: str) -> Request:
    """Return the request for one conversation by SID or unique name."""
    return Request("GET", f"{_service(service)}/Conversations/{segment(conversation)}")


def fetch_participant(service: str | None, conversation_sid: str, participant: str) -> Request:
    """Return the request for one participant by SID or identity: only it has a ``last_read_timestamp``."""
    return Request(
        "GET",
        f"{_service(service)}/Conversations/{segment(conversation_sid)}/Participants/{segment(participant)}",
    )


def list_participants(service: str | None, conversation_sid: str) -> Request:
    """Return the request for all participants of a conversation."""
    return _list(f"{_service(service)}/Conversations/{segment(conversation_sid)}/Participants", 100)


def newest_message(service: str | None, conversation_sid: str) -> Request:
    """Return the request for the newest message of a conversation, as a list of one or none."""
    return Request(
        "GET",
        f"{_service(service)}/Conversations/{segment(conversation_sid)}/Messages",
        (("Order", "desc"), ("PageSize", "1")),
    )


_WRITABLE = re.compile(r"/v1(/Services/IS[0-9a-fA-F]{32})?/Users/US[0-9a-fA-F]{32}/Conversations/CH[0-9a-fA-F]{32}")


def assert_writable(method: str, raw_target: str) -> None:
    """Raise `BadInput` if a write is not addressed to exactly one UserConversation.

    The transport calls this with the path and query as its HTTP library will put them on the wire, after any
    normalisation, right before sending.
    """
    if method != "GET" and not _WRITABLE.fullmatch(raw_target):
        raise BadInput(f"refusing to send {method} {raw_target}: not the path of one user's conversation")


def _list(path: str, page_size: int) -> Request:
    return Request("GET", path, (("PageSize", str(page_size)),))


def _service(service: str | None) -> str:
    if service is None:
        return "/v1"
    if not is_sid(service, "IS"):
        raise BadInput(
            f"{service!r} is not a service SID",
            hint="Write IS followed by 32 hex digits, or 'default'.",
        )
    return f"/v1/Services/{service}"


def _change(
    method: Method,
    service: str | None,
    user_sid: str,
    conversation_sid: str,
    form: tuple[tuple[str, str], ...],
) -> Request:
    for text, prefix in ((user_sid, "US"), (conversation_sid, "CH")):
        if not is_sid(text, prefix):
            raise BadInput(
                f"{text!r} is not a SID: only {prefix} and 32 hex digits may be changed",
                hint="Make a plan first: it resolves identities and unique names to SIDs.",
            )
    path = f"{_service(service)}/Users/{user_sid}/Conversations/{conversation_sid}"
    return Request(method, path, form=form)
