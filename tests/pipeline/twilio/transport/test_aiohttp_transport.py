"""Which of our errors each exception of aiohttp becomes; what every transport promises is in test_transports."""

import aiohttp
import pytest

from readstate.errors import NotSent, Unanswered
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.http import request as requests
from readstate.twilio.transport.aiohttp_transport import open_aiohttp_transport
from readstate.twilio.transport.body_budget import BodyBudget
from tests.helpers.http_mock import http_mock

BODIES = BodyBudget(each=1 << 20)
SETTINGS = Settings(base_url="https://conversations.twilio.com")
CREDENTIALS = Credentials(None, "SK" + "1" * 32, "secret")
READ = requests.fetch_configuration()
CONFIGURATION = f"{SETTINGS.base_url}/v1/Configuration"


async def test_a_connection_that_is_never_made_means_not_sent() -> None:
    with http_mock() as twilio:
        twilio.answer("GET", CONFIGURATION, exception=aiohttp.ConnectionTimeoutError("too slow"))
        async with open_aiohttp_transport(SETTINGS, CREDENTIALS, BODIES) as opened:
            with pytest.raises(NotSent, match="too slow"):
                await opened.send(READ)


@pytest.mark.parametrize(
    "failure",
    [
        TimeoutError(),
        aiohttp.SocketTimeoutError("no byte for 30 s"),
        aiohttp.ClientPayloadError("cut off"),
        aiohttp.ServerDisconnectedError(),
        ConnectionResetError(104, "reset"),
        aiohttp.ClientOSError(32, "broken pipe"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_what_fails_after_sending_means_unanswered(failure: Exception) -> None:
    with http_mock() as twilio:
        twilio.answer("GET", CONFIGURATION, exception=failure)
        async with open_aiohttp_transport(SETTINGS, CREDENTIALS, BODIES) as opened:
            with pytest.raises(Unanswered, match=f"{type(failure).__name__}|Connection reset by peer"):
                await opened.send(READ)
