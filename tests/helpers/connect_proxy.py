"""A proxy on loopback: CONNECT for https, and whole addresses for http."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class ConnectProxy:
    """What it was asked for, and where to reach it."""

    url: str = ""
    heads: list[str] = field(default_factory=list)


@asynccontextmanager
async def connect_proxy() -> AsyncIterator[ConnectProxy]:
    """Pass on what comes to the host and port that each request names."""
    proxy = ConnectProxy()
    streams: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        streams.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        proxy.heads.append(head.decode())
        method, target = head.decode().split(" ")[:2]
        host, _, port = target.removeprefix("http://").partition("/")[0].rpartition(":")
        there_reader, there = await asyncio.open_connection(host, int(port))
        streams.append(there)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there.write(head)
        await asyncio.gather(_pass_on(reader, there), _pass_on(there_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield proxy
        for stream in streams:
            stream.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
