"""One HTTP/1.1 connection: bytes to requests and responses to bytes, one at a time and in order."""

import asyncio
import socket
import struct
from collections import deque
from typing import Final, Protocol, cast

import httptools

from readstate.simulator.api.api import Request

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_DRIPS: Final = 20
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_LARGE: Final = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
MOST_REQUEST_BYTES: Final = 1 << 20
"""Of one request, head and body: far above what any client of Twilio sends."""
_SECONDS_TO_READ_A_REFUSAL: Final = 0.1


class ResponseWriter(Protocol):
    """Sends the response to a request, or breaks the connection instead."""

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
        """Reset the connection."""
        ...


class RequestHandler(Protocol):
    """Receives the requests of all connections."""

    def connected(self) -> None:
        """Count a new connection."""
        ...

    def receive(self, request: Request, writer: ResponseWriter) -> None:
        """Handle a request; its response goes to *writer*."""
        ...


class Connection(asyncio.Protocol):
    """Parses requests and passes each to the handler once the one before has its response."""

    def __init__(self, handler: RequestHandler, connections: set["Connection"]) -> None:
        self._handler = handler
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._busy = False
        self._keep_alive = True
        self._is_refused = False
        self._begin()

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._handler.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; requests in service are still carried out."""
        self._connections.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Parse bytes; answer 400 to what is not HTTP, and 413 to what does not end."""
        if self._is_refused:
            return
        self._unparsed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(_BAD_REQUEST)
        else:
            if self._unparsed > MOST_REQUEST_BYTES:
                self._refuse(_TOO_LARGE)

    # Called by httptools.

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; those without a meaning here are ignored."""
        match name.lower():
            case b"authorization":
                self._authorization = value
            case b"content-type":
                self._content_type = value
            case b"accept-encoding":
                self._accept_encoding = value
            case b"host":
                self._host = value
            case b"origin":
                self._origin = value
            case b"expect":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        """Handle the request, or queue it until the one before has its response."""
        method = self._parser.get_method().decode("ascii")
        target = self._target.decode("latin-1")
        request = Request(
            method,
            target,
            self._authorization,
            self._content_type,
            self._body,
            self._host,
            self._origin,
            self._accept_encoding,
        )
        keep_alive = self._parser.should_keep_alive()
        self._begin()
        if self._busy:
            self._waiting.append((request, keep_alive))
        else:
            self._take(request, keep_alive=keep_alive)

    # Called by the simulator.

    def send(self, payload: bytes) -> None:
        self._write(payload)
        self._done()

    def send_and_close(self, payload: bytes) -> None:
        self._write(payload)
        self._transport.close()

    def drip(self, payload: bytes, *, seconds: float) -> None:
        size = -(-len(payload) // _DRIPS)
        loop = asyncio.get_running_loop()
        for number in range(_DRIPS):
            piece = payload[number * size : (number + 1) * size]
            loop.call_later(seconds * number / _DRIPS, self._write, piece)
        loop.call_later(seconds, self._done)

    def reset(self) -> None:
        """Reset the connection, so that the client sees a reset and not an end."""
        raw = self._transport.get_extra_info("socket")
        if raw is None:  # the client has closed the connection already
            return
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def close(self) -> None:
        self._transport.abort()

    def _write(self, payload: bytes) -> None:
        # The client may have given up while its request was in service.
        if not self._transport.is_closing():
            self._transport.write(payload)

    def _begin(self) -> None:
        self._target = b""
        self._authorization = b""
        self._content_type = b""
        self._host = b""
        self._origin = b""
        self._accept_encoding = b""
        self._body = b""
        self._unparsed = 0

    def _refuse(self, payload: bytes) -> None:
        # Closed at once, with bytes that nobody has read, the connection would be reset and the refusal lost.
        self._is_refused = True
        self._transport.write(payload)
        asyncio.get_running_loop().call_later(_SECONDS_TO_READ_A_REFUSAL, self._transport.close)

    def _take(self, request: Request, *, keep_alive: bool) -> None:
        self._busy = True
        self._keep_alive = keep_alive
        self._handler.receive(request, self)

    def _done(self) -> None:
        self._busy = False
        if not self._keep_alive:
            self._transport.close()
        elif self._waiting:
            request, keep_alive = self._waiting.popleft()
            self._take(request, keep_alive=keep_alive)
