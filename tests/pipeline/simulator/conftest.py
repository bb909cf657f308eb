"""A simulated API without a socket, and a raw HTTP/1.1 client for looking at what really goes over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, serving
from readstate.simulator.world.world import World
from tests.helpers.simulated_api import AUTHORIZATION, SimulatedApi

SHAPE = WorldShape(users=60, heaviest=60)


@dataclass(frozen=True)
class Response:
    """One response as it came."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.raw)


class RawConnection:
    """One connection to a simulator."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, method: str, target: str, body: bytes = b"", *headers: bytes) -> None:
        """Send a request without waiting."""
        head = [
            f"{method} {target} HTTP/1.1".encode(),
            b"Host: 127.0.0.1:1",
            b"Authorization: " + AUTHORIZATION,
            b"Content-Type: application/x-www-form-urlencoded",
            b"Content-Length: %d" % len(body),
            *headers,
        ]
        self.writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)

    async def receive(self) -> Response:
        """Read one response."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
        raw = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Response(int(lines[0].split()[1]), headers, raw)

    async def ask(self, method: str, target: str, body: bytes = b"") -> Response:
        """Send a request and read its response."""
        self.send(method, target, body)
        return await self.receive()


@pytest.fixture
def api() -> SimulatedApi:
    return SimulatedApi(now=1_700_000_000)


@pytest.fixture
async def dial() -> Any:
    """Open connections that close themselves."""
    opened: list[RawConnection] = []

    async def connect(simulator: RunningSimulator) -> RawConnection:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(simulator.base_url.rpartition(":")[2]))
        opened.append(RawConnection(reader, writer))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.writer.close()


@pytest.fixture
async def serve(dial) -> AsyncIterator[Any]:
    """Serve small worlds until the test ends, each with a first connection to it."""
    async with AsyncExitStack() as stack:

        async def start(shape: WorldShape = SHAPE, **options: Any) -> tuple[RunningSimulator, RawConnection]:
            simulator = await stack.enter_async_context(serving(World(shape), **options))
            return simulator, await dial(simulator)

        yield start
