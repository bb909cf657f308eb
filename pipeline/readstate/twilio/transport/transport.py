"""The interface between the client and the network."""

from typing import Protocol

from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response


class Transport(Protocol):
    """Sends requests.

    The tests ``test_transports.py`` and ``test_transport_failures.py`` list what every implementation must do.
    Above it, `require_own` refuses answers about other resources, for all of them alike.
    """

    async def send(self, request: Request) -> Response:
        """Send *request*; return the response, whatever its status.

        Raises `NotSent` where certainly nothing reached the server, `Unanswered` where that is unknown, and
        `UnusableAnswer` where the response is too large.
        """
        ...
