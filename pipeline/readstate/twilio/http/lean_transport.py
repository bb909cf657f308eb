"""A transport that does only what this client needs of HTTP, at a quarter of the cost: kept connections, no more."""

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from urllib.parse import urlencode, urlsplit

from readstate.errors import BadInput
from readstate.settings import Credentials, Settings
from readstate.twilio.http.lean_connection import Connection, Limits
from readstate.twilio.http.request import Request, assert_writable
from readstate.twilio.http.response import Response
from readstate.twilio.http.transport_errors import cannot_connect

_REQUEST_LINE = re.compile("(GET|POST|DELETE) (/[!-~]*) HTTP/1.1")
_LONGEST_IDLE_SECONDS = 30.0
"""Shorter than servers keep what is idle, so that a request seldom meets a connection that is being closed."""


@asynccontextmanager
async def connected_lean(settings: Settings, credentials: Credentials) -> AsyncIterator["LeanTransport"]:
    """Open connections to the configured origin for as long as the block lasts."""
    transport = LeanTransport(settings, credentials)
    try:
        yield transport
    finally:
        await transport.close()


class LeanTransport:
    """Sends each request exactly once, to one origin, following no redirect, on a connection of its own."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._base_url = settings.base_url.rstrip("/")
        url = urlsplit(self._base_url)
        assert url.hostname is not None
        self._host = url.hostname
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._tls = _tls() if url.scheme == "https" else None
        self._head = _head(url.netloc, credentials)
        self._connect_seconds = settings.connect_timeout_seconds
        self._limits = Limits(
            read_seconds=settings.read_timeout_seconds,
            request_seconds=settings.request_timeout_seconds,
            max_body_bytes=settings.max_body_megabytes << 20,
        )
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        """The one used last stands last and is taken first: what is not needed grows old and is closed."""
        self._all_lost = asyncio.Event()

    async def send(self, request: Request) -> Response:
        """Send *request* once. Raises `NotSent`, `Unanswered` or `UnusableAnswer`."""
        payload = self._in_bytes(request)
        connection = self._idle_connection() or await self._connect(request)
        return await connection.ask(request, payload)

    async def close(self) -> None:
        """Hang up all connections, and wait until they are gone."""
        self._idle.clear()
        while self._connections:
            self._all_lost.clear()
            for connection in self._connections:
                connection.abort()
            await self._all_lost.wait()

    # What connections tell.

    def opened(self, connection: Connection) -> None:
        """Remember *connection*, to close it at the end."""
        self._connections.add(connection)

    def free(self, connection: Connection) -> None:
        """Keep *connection* for the next request."""
        self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Forget *connection*."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._connections:
            self._all_lost.set()

    def _in_bytes(self, request: Request) -> bytes:
        """Put *request* on the wire's form. Raises `BadInput` for a request line that could be read in two ways."""
        line = f"{request.method} {request.target} HTTP/1.1"
        parts = _REQUEST_LINE.fullmatch(line)
        if parts is None:
            raise BadInput(f"refusing to send {line!r}: a request line holds printable ASCII without spaces alone")
        assert_writable(parts[1], parts[2])
        if request.method != "POST":
            return line.encode("ascii") + self._head + b"\r\n"
        form = urlencode(request.form).encode("ascii")
        return b"%b%bContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b" % (
            line.encode("ascii"),
            self._head,
            len(form),
            form,
        )

    def _idle_connection(self) -> Connection | None:
        oldest = self._loop.time() - _LONGEST_IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_open:
                continue
            if connection.last_heard >= oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, request: Request) -> Connection:
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self, self._limits),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
        except (OSError, ValueError) as error:  # a host that no DNS can know is a ValueError
            raise cannot_connect(request, self._base_url, error) from error
        if not connection.is_open:
            raise cannot_connect(request, self._base_url, "the server closed the connection at once")
        return connection


def _head(authority: str, credentials: Credentials) -> bytes:
    """All that follows the request line and is the same in each request."""
    basic = b64encode(f"{credentials.username}:{credentials.secret}".encode()).decode()
    lines = (
        "",
        f"Host: {authority}",
        f"Authorization: Basic {basic}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        f"User-Agent: readstate/{version('readstate')}",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
