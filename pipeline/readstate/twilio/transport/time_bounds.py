"""Time bounds for a transport whose library has none that cover every phase of a request, and closing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from msgspec import Struct

from readstate.errors import Unanswered
from readstate.settings.settings import Settings
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.transport.transport import Transport

_CLOSING_SECONDS = 5.0


@asynccontextmanager
async def time_bounded(
    opening: AbstractAsyncContextManager[Transport], settings: Settings, *, closing_seconds: float = _CLOSING_SECONDS
) -> AsyncIterator[Transport]:
    """Open a transport whose requests take at most ``request_timeout_seconds``, whatever they wait for.

    Leaving the block waits at most *closing_seconds* for its connections to close.
    """
    inner = await opening.__aenter__()
    try:
        yield _TimeBounded(inner, settings.request_timeout_seconds)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(closing_seconds):
                await opening.__aexit__(None, None, None)


class _TimeBounded(Struct, frozen=True):
    inner: Transport
    seconds: float

    async def send(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self.seconds):
                return await self.inner.send(request)
        except TimeoutError as error:
            raise Unanswered(
                f"{request.method} {request.path}: no complete response within {self.seconds:g} seconds"
            ) from error
