"""What no transport may do, whatever its library waits for: keep a request, or its closing, waiting."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from readstate.errors import Unanswered
from readstate.settings.settings import Settings
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.transport.body_budget import BodyBudget
from readstate.twilio.transport.time_bounds import time_bounded
from readstate.twilio.transport.transport import Transport
from tests.helpers.event_loop import LOOPS, settle_for
from tests.helpers.raw_server import raw_server
from tests.helpers.transports import CREDENTIALS, READ, TRANSPORTS, UPDATE

Loop = Callable[[], asyncio.AbstractEventLoop]


class Hanging:
    """Answers no request, and never finishes closing."""

    async def send(self, request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError


@asynccontextmanager
async def hanging() -> AsyncIterator[Transport]:
    yield Hanging()
    await asyncio.Event().wait()


async def test_a_request_ends_with_its_time_whatever_it_waits_for() -> None:
    async with time_bounded(hanging(), Settings(request_timeout_seconds=0.01), closing_seconds=0.01) as transport:
        with pytest.raises(Unanswered, match=r"POST .*: no complete response within 0.01 seconds"):
            await transport.send(UPDATE)


async def test_closing_ends_although_the_transport_does_not() -> None:
    async with asyncio.timeout(5):
        async with time_bounded(hanging(), Settings(), closing_seconds=0.01):
            pass


async def test_an_error_of_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with time_bounded(hanging(), Settings(), closing_seconds=0.01):
            raise KeyError


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("opening", TRANSPORTS.values(), ids=TRANSPORTS)
def test_a_transport_whose_request_was_cancelled_at_any_turn_of_the_loop_closes_at_once(
    opening: Callable[..., object], loop: Loop, scheme: str
) -> None:
    async def cancel_after(turns: int) -> None:
        async with raw_server(lambda _: b"HTTP/1.1 ") as server:
            settings = Settings(base_url=server.base_url.replace("http", scheme, 1))
            bodies = BodyBudget(each=1 << 20)
            async with time_bounded(opening(settings, CREDENTIALS, bodies), settings, closing_seconds=60) as transport:  # type: ignore[arg-type]
                sending = asyncio.create_task(transport.send(READ))
                await settle_for(turns)
                sending.cancel()
                with suppress(asyncio.CancelledError, Unanswered):
                    await sending

    async def cancel_everywhere() -> None:
        for turns in (*range(8), 10, 14, 20):
            async with asyncio.timeout(5):
                await cancel_after(turns)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(cancel_everywhere())
