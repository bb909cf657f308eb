"""The transports that the tests of every transport run on, and requests for them to send."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from readstate.credentials import Credentials
from readstate.settings import Settings
from readstate.twilio.http import request as requests
from readstate.twilio.http.aiohttp_transport import open_aiohttp_transport
from readstate.twilio.http.transport import Transport

TRANSPORTS: dict[str, Callable[[Settings, Credentials], AbstractAsyncContextManager[Transport]]] = {
    "aiohttp": open_aiohttp_transport,
}
"""Another transport is one more line here."""

SECRET = "correct-horse-battery-staple"
CREDENTIALS = Credentials(None, "SK" + "1" * 32, SECRET)
USER, CONVERSATION = "US" + "a" * 32, "CH" + "b" * 32
DELETE = requests.delete_user_conversation(None, USER, CONVERSATION)
UPDATE = requests.update_user_conversation(None, USER, CONVERSATION, last_read_message_index=7)
READ = requests.fetch_configuration()


class Open(Protocol):
    """Opens a transport to *base_url* with *changed* settings."""

    def __call__(self, base_url: str = "", **changed: float) -> AbstractAsyncContextManager[Transport]: ...
