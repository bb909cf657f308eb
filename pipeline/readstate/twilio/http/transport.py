"""The seam between us and the network."""

from typing import Protocol

from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response


class Transport(Protocol):
    """Whatever can turn a request into an answer."""

    async def send(self, request: Request) -> Response:
        """Send *request* and give the answer, whatever its status.

        Raises `NotSent` where certainly nothing reached the server and `Unanswered` where that is unknown.
        """
        ...
