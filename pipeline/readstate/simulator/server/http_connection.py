"""One HTTP/1.1 connection: bytes to requests and answers to bytes, one at a time and in order."""

import asyncio
import socket
import struct
from collections import deque
from typing import Final, Protocol, cast

import httptools

from readstate.simulator.api.api import Asked

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_DRIPS: Final = 20
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Wire(Protocol):
    """How an answer, or the lack of one, leaves."""

    def send(self, payload: bytes) -> None:
        """Send a whole response."""
        ...

    def send_and_close(self, payload: bytes) -> None:
        """Send part of a response, and end the connection."""
        ...

    def drip(self, payload: bytes, *, seconds: float) -> None:
        """Send a response in small pieces."""
        ...

    def reset(self) -> None:
        """Break the connection."""
        ...


class Receptionist(Protocol):
    """Who takes the requests of all connections."""

    def connected(self) -> None:
        """Hear of a new connection."""
        ...

    def receive(self, asked: Asked, wire: Wire) -> None:
        """Take a request."""
        ...


class Connection(asyncio.Protocol):
    """Parses requests, hands each to the receptionist, and takes the next only when that one is answered."""

    def __init__(self, receptionist: Receptionist, connections: set["Connection"]) -> None:
        self._receptionist = receptionist
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Asked, bool]] = deque()
        self._busy = False
        self._keep_alive = True
        self._begin()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._receptionist.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; what is still in service goes on without anybody to hear of it."""
        self._connections.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(_BAD_REQUEST)
            self._transport.close()

    # What httptools calls.

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; all but three mean nothing here."""
        length = len(name)
        if length == 13 and name.lower() == b"authorization":
            self._authorization = value
        elif length == 12 and name.lower() == b"content-type":
            self._content_type = value
        elif length == 6 and name.lower() == b"expect":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, however it was framed."""
        self._body += body

    def on_message_complete(self) -> None:
        """Hand the request on, or keep it until the one before is answered."""
        method = self._parser.get_method().decode("ascii")
        target = self._target.decode("latin-1")
        asked = Asked(method, target, self._authorization, self._content_type, self._body)
        keep_alive = self._parser.should_keep_alive()
        self._begin()
        if self._busy:
            self._waiting.append((asked, keep_alive))
        else:
            self._take(asked, keep_alive=keep_alive)

    # What the simulator calls.

    def send(self, payload: bytes) -> None:
        """Send a whole response."""
        self._write(payload)
        self._done()

    def send_and_close(self, payload: bytes) -> None:
        """Send part of a response, and end the connection."""
        self._write(payload)
        self._transport.close()

    def drip(self, payload: bytes, *, seconds: float) -> None:
        """Send a response in small pieces."""
        size = -(-len(payload) // _DRIPS)
        loop = asyncio.get_running_loop()
        for number in range(_DRIPS):
            piece = payload[number * size : (number + 1) * size]
            loop.call_later(seconds * number / _DRIPS, self._write, piece)
        loop.call_later(seconds, self._done)

    def reset(self) -> None:
        """Break the connection, so that the client sees a reset and not an end."""
        raw = self._transport.get_extra_info("socket")
        if raw is None:  # the client was quicker: it has hung up
            return
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def close(self) -> None:
        """Hang up, because the server stops."""
        self._transport.abort()

    def _write(self, payload: bytes) -> None:
        # The client may have given up while its request was in service.
        if not self._transport.is_closing():
            self._transport.write(payload)

    def _begin(self) -> None:
        self._target = b""
        self._authorization = b""
        self._content_type = b""
        self._body = b""

    def _take(self, asked: Asked, *, keep_alive: bool) -> None:
        self._busy = True
        self._keep_alive = keep_alive
        self._receptionist.receive(asked, self)

    def _done(self) -> None:
        self._busy = False
        if not self._keep_alive:
            self._transport.close()
        elif self._waiting:
            asked, keep_alive = self._waiting.popleft()
            self._take(asked, keep_alive=keep_alive)
