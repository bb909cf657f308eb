"""Responses as values: status, headers, body, and what Twilio means by them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite, nan
from typing import Any, TypeVar

import msgspec

from readstate.errors import ApiError, NotFound, Refused, UnusableAnswer
from readstate.foreign_json import UnusableJson, decode_json, repair_text
from readstate.twilio.http.request import Request

_LONGEST_EXCERPT = 200
_TAG = re.compile("<[^>]*>?")

T = TypeVar("T")


class _ErrorBody(msgspec.Struct):
    """Twilio's classic error body and RFC 9457's, side by side; every field may be missing."""

    code: int | str | None = None
    message: str | None = None
    detail: Any = None
    title: str | None = None


class Response(msgspec.Struct, frozen=True):
    """One complete HTTP response, of any status."""

    status: int
    headers: Mapping[str, str]
    """Looked up by lower-case names."""
    body: bytes
    throttled: int = 0
    """How often the request was refused with 429 before this answer."""
    share: object = None
    """What a large body takes of the `BodyBudget`, for as long as this answer is kept."""

    @property
    def ok(self) -> bool:
        """Whether the request was accepted and carried out."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        """The id that Twilio's support asks for."""
        return self.headers.get("twilio-request-id")

    @property
    def code(self) -> int | None:
        """Twilio's own error number, where the body holds one."""
        return None if self.ok else _code(self._error_body())

    @property
    def server_time(self) -> datetime | None:
        """The server's clock, from the ``Date`` header."""
        return _http_date(self.headers.get("date", ""))

    def retry_after_seconds(self, now: datetime) -> float | None:
        """Return ``Retry-After`` in seconds, given as seconds or as an HTTP date; never negative, None if missing."""
        text = self.headers.get("retry-after")
        if text is None:
            return None
        try:
            seconds = float(text)
        except ValueError:
            date = _http_date(text)
            seconds = (date - now).total_seconds() if date else nan
        return max(0.0, seconds) if isfinite(seconds) else None

    def json(self, kind: type[T]) -> T:
        """Return the body decoded as *kind*, a msgspec type; text that is not Unicode is repaired.

        Raises `UnusableAnswer`.
        """
        try:
            return _decoded(self.body, kind)
        except UnusableJson as error:
            raise self._unusable(error) from error

    def error(self, request: Request) -> ApiError:
        """Return this refusal as an error with its status, code, message and request id."""
        body = self._error_body()
        message = body.message or (body.detail if isinstance(body.detail, str) else None) or body.title
        kind = {401: Refused, 403: Refused, 404: NotFound}.get(self.status, ApiError)
        return kind(
            status=self.status,
            code=_code(body),
            message=message or _without_tags(self._excerpt()) or "no explanation",
            request_id=self.request_id,
            method=request.method,
            path=request.path,
        )

    def _unusable(self, error: UnusableJson) -> UnusableAnswer:
        # Not in `json`: a variable of the frame that raises it would keep the error, and this body, in memory.
        unusable = UnusableAnswer(
            f"status {self.status} with a body that cannot be used ({error}): {self._excerpt()!r}"
            + (f", request {self.request_id}" if self.request_id else "")
        )
        unusable.status, unusable.request_id = self.status, self.request_id
        return unusable

    def _error_body(self) -> _ErrorBody:
        try:
            return _decoded(self.body, _ErrorBody)
        except UnusableJson:  # a gateway's HTML
            return _ErrorBody()

    def _excerpt(self) -> str:
        return " ".join(self.body[:_LONGEST_EXCERPT].decode("utf-8", "replace").split())


def _without_tags(text: str) -> str:
    """Return the words of a gateway's web page; any other text as it is."""
    return " ".join(_TAG.sub(" ", text).split()) if text.startswith("<") else text


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return decode_json(body, kind)
    except UnusableJson:
        if (repaired := repair_text(body)) == body:
            raise
        return decode_json(repaired, kind)


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)  # "-0000" gives no zone and means UTC


def _code(body: _ErrorBody) -> int | None:
    try:
        return int(body.code) if body.code is not None else None
    except ValueError:
        return None
