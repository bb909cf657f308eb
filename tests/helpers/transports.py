"""The transports that the tests of every transport run on, and requests for them to send."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from readstate.errors import ReadstateError
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.http import request as requests
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.transport.aiohttp_transport import open_aiohttp_transport
from readstate.twilio.transport.body_budget import BodyBudget
from readstate.twilio.transport.curl_transport import open_curl_transport
from readstate.twilio.transport.time_bounds import time_bounded
from readstate.twilio.transport.transport import Transport
from tests.helpers.raw_server import RawServer, http, raw_server

Opening = Callable[[Settings, Credentials, BodyBudget], AbstractAsyncContextManager[Transport]]
TRANSPORTS: dict[str, Opening] = {
    "aiohttp": lambda settings, credentials, bodies: time_bounded(
        open_aiohttp_transport(settings, credentials, bodies), settings
    ),
    "curl": open_curl_transport,
}
"""Another transport is one more line here."""

SECRET = "correct-horse-battery-staple"
CREDENTIALS = Credentials(None, "SK" + "1" * 32, SECRET)
USER, CONVERSATION = "US" + "a" * 32, "CH" + "b" * 32
DELETE = requests.delete_user_conversation(None, USER, CONVERSATION)
UPDATE = requests.update_user_conversation(None, USER, CONVERSATION, last_read_message_index=7)
READ = requests.fetch_configuration()


class Open(Protocol):
    """Opens a transport to *base_url* with *changed* settings, whose bodies share a budget."""

    def __call__(
        self, base_url: str = "", bodies: BodyBudget | None = None, **changed: float
    ) -> AbstractAsyncContextManager[Transport]: ...


@dataclass
class Exchange:
    """What was sent to a server, and what became of each request."""

    server: RawServer
    answers: list[Response] = field(default_factory=list)
    errors: list[ReadstateError] = field(default_factory=list)


async def exchange(
    transport: Open,
    *sent: Request,
    respond: bytes | Callable[[int], bytes] = http(),  # noqa: B008 - bytes do not change
    pause: Callable[[], Awaitable[None]] | None = None,
    **changed: float,
) -> Exchange:
    """Send the requests one after the other, with a *pause* after each, to a server whose responses are prescribed."""
    async with raw_server(respond if callable(respond) else lambda _: respond) as server:
        async with transport(server.base_url, **changed) as opened:
            done = Exchange(server)
            for request in sent:
                try:
                    done.answers.append(await opened.send(request))
                except ReadstateError as error:
                    done.errors.append(error)
                if pause is not None:
                    await pause()
    return done
