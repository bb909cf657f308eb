"""The result of reading one user."""

import re
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from readstate.clock import Clock
from readstate.errors import ApiError, BadInput, Refused, TransportError
from readstate.events import Observer, UserFailed

_LACKS_PERMISSION = 70051
_REQUEST = re.compile(r"^(?:GET|POST|DELETE) \S+ ")
_REQUEST_ID = re.compile(r", request \S+$")
_SID = re.compile(r"\b([A-Z]{2})[0-9a-fA-F]{32}\b")


class RosterUser(NamedTuple):
    """A user to be read."""

    id: int
    chat_service_sid: str
    user_sid: str
    identity: str | None


class UserResult(msgspec.Struct, frozen=True):
    """The result of reading one user."""

    id: int
    state: Literal["read", "vanished", "unknown", "failed"]
    rows: int | None
    at: datetime
    reason: str | None = None
    status: int | None = None
    code: int | None = None
    request_id: str | None = None


def failed_result(
    user: RosterUser, error: ApiError | TransportError | BadInput, *, clock: Clock, emit: Observer
) -> UserResult:
    """Return that *user* could not be read. Raise *error* itself where it concerns all users."""
    if isinstance(error, Refused) and error.code == _LACKS_PERMISSION:
        raise error
    status = code = request_id = None
    if isinstance(error, ApiError | TransportError):
        status, request_id = error.status, error.request_id
    if isinstance(error, ApiError):
        code = error.code
    emit(UserFailed(user.user_sid, error.message, request_id))
    reason = reason_to_group_by(error.message)
    return UserResult(user.id, "failed", None, clock.now(), reason, status, code, request_id)


def reason_to_group_by(message: str) -> str:
    """Return *message* without what is of one request alone: its method, path and id, and the SIDs."""
    return _SID.sub(r"\1…", _REQUEST_ID.sub("", _REQUEST.sub("", message)))
