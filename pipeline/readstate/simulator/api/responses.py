"""What goes back to the client, before faults have their say."""

import json
from typing import NamedTuple

JSON = b"application/json;charset=utf-8"
HTML = b"text/html"


class Answer(NamedTuple):
    """A status with its body."""

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    retry_after_seconds: float | None = None


class Refusal(Exception):
    """Ends the handling of a request with one of Twilio's errors."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self) -> Answer:
        """Write the error as Twilio does."""
        return refusal(self.status, self.code, self.message)


def refusal(status: int, code: int, message: str, *, retry_after_seconds: float | None = None) -> Answer:
    """Write one of Twilio's errors."""
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Answer(status, json.dumps(body).encode(), retry_after_seconds=retry_after_seconds)


def html(status: int, title: str) -> Answer:
    """Write an error as a gateway does that knows no JSON."""
    page = f"<html><head><title>{status} {title}</title></head>\r\n<body><h1>{status} {title}</h1></body></html>\r\n"
    return Answer(status, page.encode(), HTML)
