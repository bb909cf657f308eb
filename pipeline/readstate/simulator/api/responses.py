"""Responses, before faults change them."""

import gzip
import json
from typing import NamedTuple

JSON = b"application/json;charset=utf-8"
HTML = b"text/html"


class Response(NamedTuple):
    """A status with its body."""

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    retry_after_seconds: float | None = None
    content_encoding: bytes = b""

    def gzipped(self) -> "Response":
        """Return the same response with a compressed body."""
        return self._replace(body=gzip.compress(self.body, compresslevel=1), content_encoding=b"gzip")


class ApiError(Exception):
    """Ends the handling of a request with one of Twilio's errors."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """Return the error as Twilio writes it."""
        return error_response(self.status, self.code, self.message)


def error_response(status: int, code: int, message: str, *, retry_after_seconds: float | None = None) -> Response:
    """Return one of Twilio's errors."""
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Response(status, json.dumps(body).encode(), retry_after_seconds=retry_after_seconds)


def html_response(status: int, title: str) -> Response:
    """Return an HTML page, as a gateway sends it."""
    page = f"<html><head><title>{status} {title}</title></head>\r\n<body><h1>{status} {title}</h1></body></html>\r\n"
    return Response(status, page.encode(), HTML)
