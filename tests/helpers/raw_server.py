"""A server on loopback that speaks as much HTTP as a test wants, and can hang up where a real one would not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.helpers.event_loop import settle

HANG_UP = b""
"""In place of an answer: close the connection, after the request was read whole and so had its effect."""


LATER = b"\0later"
"""Inside an answer: what follows is sent a moment later. Does not travel."""

LAST = b"\0the last of this connection"
"""At the end of an answer: close the connection after it. Does not travel."""


@dataclass
class RawServer:
    """What came in, and where to reach it."""

    base_url: str = ""
    requests: list[str] = field(default_factory=list)
    """Each request as it stood on the wire: head and body."""
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    """One for each connection."""

    @property
    def lines(self) -> list[str]:
        return [request.split("\r\n", 1)[0] for request in self.requests]


@asynccontextmanager
async def raw_server(answer: Callable[[int], bytes], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Answer the request of each number, from 0, with the bytes that *answer* gives."""
    record = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        record.connections += 1
        record.writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    (int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0
                )
                number = len(record.requests)
                record.requests.append(head + (await reader.readexactly(length)).decode())
                if (content := answer(number)) == HANG_UP:
                    return
                for piece in content.removesuffix(LAST).split(LATER):
                    writer.write(piece)
                    await writer.drain()
                    if LATER in content:
                        await settle()
                if content.endswith(LAST):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    record.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield record


def http(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    """An answer that keeps its connection open."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    """An answer whose body comes in pieces."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
