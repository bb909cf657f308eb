"""The beginning of an HTTP response, with the headers that were seen on Twilio's own."""

import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from readstate.simulator.api.responses import Response

_REASONS: Final = {status.value: f"{status.value} {status.phrase}".encode() for status in HTTPStatus}
_HEAD: Final = (
    b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nDate: %b\r\n"
    b"Twilio-Request-Duration: %.3f\r\nX-API-Domain: conversations.twilio.com\r\n"
    b"X-Home-Region: us1\r\nX-Powered-By: AT-5000\r\nX-Shenanigans: none\r\n"
    b"Strict-Transport-Security: max-age=31536000\r\nVary: Accept-Encoding, Origin\r\n%b\r\n"
)
_BARE: Final = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nDate: %b\r\nServer: CloudFront\r\n\r\n"


class DateHeader:
    """The `Date` of responses, written once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def text(self, skew_seconds: float) -> bytes:
        """Write the time, ahead by *skew_seconds*."""
        second = int(time.time() + skew_seconds)
        if second != self._second:
            self._second = second
            self._text = formatdate(second, usegmt=True).encode()
        return self._text


def head(response: Response, *, request_id: str | None, seconds: float, concurrent: int | None, date: bytes) -> bytes:
    """Write the head of a response that came from Twilio's own servers; what is None has no header."""
    extra = b"" if request_id is None else b"Twilio-Request-Id: %b\r\n" % request_id.encode()
    if concurrent is not None:
        extra += b"Twilio-Concurrent-Requests: %d\r\n" % concurrent
    if response.content_encoding:
        extra += b"Content-Encoding: %b\r\n" % response.content_encoding
    if response.retry_after_seconds is not None:
        extra += b"Retry-After: %d\r\n" % max(1, round(response.retry_after_seconds))
    return _HEAD % (
        _REASONS[response.status],
        response.content_type,
        len(response.body),
        date,
        seconds,
        extra,
    )


def bare_head(response: Response, *, date: bytes) -> bytes:
    """Write the head of a response that some gateway made: nothing of Twilio's is in it."""
    return _BARE % (_REASONS[response.status], response.content_type, len(response.body), date)
