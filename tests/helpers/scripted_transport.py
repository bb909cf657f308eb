"""A transport that responds from a script and records its requests."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response

Step = Response | BaseException | Callable[[Request], Response]


class ScriptedTransport:
    """Takes *steps* in turn: a response, an error to raise, or a function of the request."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        assert self._steps, f"the script has no answer left for {request}"
        step = self._steps.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step(request) if callable(step) else step

    @property
    def sent(self) -> int:
        return len(self.requests)


def answer(status: int = 200, body: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with *body* as JSON, or as it is where it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return Response(status, {"twilio-request-id": "RQ" + "0" * 32, **(headers or {})}, content)


def page(key: str, rows: list[Any], next_page_url: str | None = None) -> Response:
    """One page of a list in Twilio's envelope."""
    return answer(body={key: rows, "meta": {"page": 0, "page_size": 50, "next_page_url": next_page_url, "key": key}})
