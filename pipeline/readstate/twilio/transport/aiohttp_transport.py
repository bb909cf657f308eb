"""The transport on aiohttp, with aiohttp's own resending, redirects and cookies switched off."""

import asyncio
import os
import select
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

from readstate import __version__
from readstate.errors import TransportError, Unanswered
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.http.request import Request, assert_writable
from readstate.twilio.http.response import Response
from readstate.twilio.transport.body_budget import FREE_BYTES, BodyBudget, BodyShare
from readstate.twilio.transport.connecting import (
    authorities_file,
    cannot_connect,
    proxy_for,
    unknown_host,
    untrusted_certificate,
)

_CHUNK = 1 << 16
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def open_aiohttp_transport(
    settings: Settings, credentials: Credentials, bodies: BodyBudget
) -> AsyncIterator["AiohttpTransport"]:
    """Keep connections to the configured origin open while the block runs. *bodies* bounds what is received."""
    basic = b64encode(f"{credentials.username}:{credentials.secret}".encode()).decode()
    headers = {
        "Accept": "application/json",
        "User-Agent": f"readstate/{__version__}",
    }
    timeout = aiohttp.ClientTimeout(
        total=None,  # in aiohttp it does not cover every phase: `time_bounded` does
        sock_connect=settings.connect_timeout_seconds,
        sock_read=settings.read_timeout_seconds,
    )

    is_plain = settings.base_url.startswith("http:")  # to this machine alone; reading the authorities takes 0.1 s
    authorities = True if is_plain else ssl.create_default_context(cafile=authorities_file())
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, ssl=authorities),
        headers=headers,
        timeout=timeout,
        # Not trust_env, which would also take credentials from ~/.netrc.
        proxy=proxy_for(settings.base_url),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_sent_once,),
        request_class=_CheckedRequest,
    ) as session:
        yield AiohttpTransport(
            session,
            base_url=settings.base_url.rstrip("/"),
            bodies=bodies,
            # Not among the session's headers: aiohttp sends those to a proxy too.
            headers={"Authorization": f"Basic {basic}"},
        )


@dataclass(frozen=True, slots=True)
class AiohttpTransport:
    """Sends each request exactly once, to one origin, and follows no redirect."""

    session: aiohttp.ClientSession
    base_url: str
    """Without a slash at its end."""
    bodies: BodyBudget
    headers: Mapping[str, str] = field(repr=False)

    async def send(self, request: Request) -> Response:
        """Send *request* once. Raises `NotSent`, `Unanswered` or `UnusableAnswer`."""
        while True:
            try:
                return await self._send(request)
            except _StaleConnection:
                continue  # one of the idle connections is closed with each turn

    async def _send(self, request: Request) -> Response:
        url = URL(self.base_url + request.target, encoded=True)
        assert_writable(request.method, url.raw_path_qs)
        body = urlencode(request.form) if request.method == "POST" else None
        headers = self.headers if body is None else {**self.headers, **_FORM}
        try:
            async with self.session.request(
                request.method, url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                share = self.bodies.share(request)
                return Response(answer.status, answer.headers, await _body(answer, share), share=share)
        except aiohttp.ClientConnectorDNSError as error:
            raise unknown_host(request, self.base_url, _reason_text(error.os_error)) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise untrusted_certificate(request, self.base_url, str(error.certificate_error)) from error
        except aiohttp.ClientConnectorError as error:
            raise cannot_connect(request, self.base_url, _reason_text(error.os_error)) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise cannot_connect(request, self.base_url, _reason_text(error)) from error
        except _StaleConnection:
            raise
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Unanswered(f"{request.method} {request.path}: no complete response: {_reason_text(error)}") from error


async def _body(answer: aiohttp.ClientResponse, share: BodyShare) -> bytes:
    length = answer.content_length
    if length is not None and length <= FREE_BYTES and "Content-Encoding" not in answer.headers:
        return await answer.read()
    chunks: list[bytes] = []
    try:
        async for chunk in answer.content.iter_chunked(_CHUNK):
            share.grow(len(chunk))
            chunks.append(chunk)
    except TransportError:
        answer.close()
        raise
    return b"".join(chunks)


class _StaleConnection(aiohttp.ClientConnectionError):
    """Nothing was sent: something came while the connection was idle."""


class _CheckedRequest(aiohttp.ClientRequest):
    """Looks at a kept connection before it is used again.

    aiohttp only asks whether it is open. An answer that nobody asked for would be taken for that of the next request,
    and each after it for that of another.
    """

    _polls: ClassVar[WeakKeyDictionary[asyncio.BaseProtocol, select.poll]] = WeakKeyDictionary()

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        protocol, transport = conn.protocol, conn.transport
        assert protocol is not None
        if (poll := self._polls.get(protocol)) is not None:
            # What waits in the socket, the event loop may not have come to yet.
            if protocol.should_close or poll.poll(0):
                raise _StaleConnection
        elif transport is not None:
            poll = self._polls[protocol] = select.poll()
            poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        return await super().send(conn)


async def _sent_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Prevent aiohttp from resending a GET or DELETE when the connection dies (its pull request 7363; issue 10790).

    It does so on new connections too, not only on kept-alive ones, and the first request may have had its effect.
    It retries on the two errors below, here turned into one that it does not retry on.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # a kind of ClientOSError, for which aiohttp makes an exception: nothing was sent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(f"{type(error).__name__}: {error}") from error


def _reason_text(reason: BaseException) -> str:
    if isinstance(reason, ConnectionError) and reason.errno is not None:
        # Libraries put the address into its text, which the message names already.
        return os.strerror(reason.errno)
    return f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__
