"""The transport on libcurl, with libcurl's own resending switched off; installed by the extra ``fast``."""

import math
import os
import select
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pycurl

from readstate import __version__
from readstate.errors import TransportError, Unanswered
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.http.request import Request, assert_writable
from readstate.twilio.http.response import Response
from readstate.twilio.transport.body_budget import BodyBudget, BodyShare
from readstate.twilio.transport.connecting import (
    authorities_file,
    cannot_connect,
    proxy_for,
    unknown_host,
    untrusted_certificate,
)

_IDLE_CONNECTIONS = 10_000
"""libcurl's own default closes connections that another request is about to use."""
_DNS_SECONDS = 300
_GO_ON, _ABORT, _REFUSED = 0, 1, 0
"""What libcurl's callbacks return; of a body, the number of bytes taken."""


@asynccontextmanager
async def open_curl_transport(
    settings: Settings, credentials: Credentials, bodies: BodyBudget
) -> AsyncIterator["CurlTransport"]:
    """Keep connections to the configured origin open while the block runs. *bodies* bounds what is received."""
    async with pycurl.AsyncCurlMulti() as multi:
        multi.setopt(pycurl.M_MAXCONNECTS, _IDLE_CONNECTIONS)
        transport = CurlTransport(multi, settings.base_url.rstrip("/"), transfer_options(settings, credentials), bodies)
        try:
            yield transport
        finally:
            transport.close()


class CurlTransport:
    """Sends each request exactly once, to one origin, and follows no redirect."""

    def __init__(
        self, multi: pycurl.AsyncCurlMulti, base_url: str, options: Sequence[tuple[int, object]], bodies: BodyBudget
    ) -> None:
        self._multi = multi
        self._base_url = base_url
        self._options = options
        self._bodies = bodies
        self._idle: list[_Transfer] = []
        self._connections = _Connections()

    async def send(self, request: Request) -> Response:
        """Send *request* once. Raises `NotSent`, `Unanswered` or `UnusableAnswer`."""
        target = request.target
        assert_writable(request.method, target)
        transfer = self._idle.pop() if self._idle else _Transfer(self._options, self._connections)
        transfer.prepare(request, self._base_url + target, self._bodies)
        try:
            await self._perform(request, transfer)
            answer = transfer.response()
        except BaseException:
            # Now, and not when the future's callback or the garbage collector runs: nothing outlives this call.
            if transfer.curl.multi() is not None:
                self._multi.remove_handle(transfer.curl)
            transfer.close()
            raise
        self._idle.append(transfer)
        return answer

    def close(self) -> None:
        """Free the memory of transfers that are done."""
        while self._idle:
            self._idle.pop().close()

    async def _perform(self, request: Request, transfer: "_Transfer") -> None:
        while True:
            try:
                await self._multi.add_handle(transfer.curl)
                return
            except pycurl.error as error:
                if not transfer.is_stale:
                    raise self._failure(request, transfer, error) from error
                transfer.is_stale = False

    def _failure(self, request: Request, transfer: "_Transfer", error: pycurl.error) -> TransportError:
        code, reason = error.args
        if transfer.refusal is not None:
            return transfer.refusal
        if code in {pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY}:
            return unknown_host(request, self._base_url, reason)
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            return untrusted_certificate(request, self._base_url, reason)
        if not transfer.is_sent:
            errno = transfer.curl.getinfo(pycurl.OS_ERRNO) if code == pycurl.E_COULDNT_CONNECT else 0
            return cannot_connect(request, self._base_url, os.strerror(errno) if errno else reason)
        return Unanswered(f"{request.method} {request.path}: no complete response: {reason}")


class _Transfer:
    """One easy handle with its options, used for one request after the other."""

    def __init__(self, options: Sequence[tuple[int, object]], connections: "_Connections") -> None:
        self.is_sent = False
        self.is_stale = False
        """Whether the request was held back from a connection on which something had arrived."""
        self.refusal: TransportError | None = None
        """Why the body was not taken."""
        self._connections = connections
        self._is_get = True
        self._share: BodyShare
        self._body: list[bytes] = []
        self._lines: list[bytes] = []
        self.curl = pycurl.Curl()
        for option, value in options:
            self.curl.setopt(option, value)
        self.curl.setopt(pycurl.SOCKOPTFUNCTION, connections.add)
        self.curl.setopt(pycurl.PREREQFUNCTION, self._before_sending)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._receive)

    def prepare(self, request: Request, url: str, bodies: BodyBudget) -> None:
        """Set the options for *request*."""
        self.is_sent = False
        self._share = bodies.share(request)
        self._body.clear()
        self._lines.clear()
        curl = self.curl
        curl.setopt(pycurl.URL, url)
        if request.method == "GET" and self._is_get:
            return
        self._is_get = request.method == "GET"
        curl.unsetopt(pycurl.CUSTOMREQUEST)
        curl.setopt(pycurl.HTTPGET, 1)
        if request.method == "POST":
            curl.setopt(pycurl.POSTFIELDS, urlencode(request.form))
        elif request.method == "DELETE":
            curl.setopt(pycurl.CUSTOMREQUEST, "DELETE")

    def response(self) -> Response:
        """Return the response of the finished transfer."""
        lines, share = tuple(self._lines), self._share
        del self._share  # the budget counts the body until the answer is dropped, not until the next request
        return Response(self.curl.getinfo(pycurl.RESPONSE_CODE), _Headers(lines), b"".join(self._body), share=share)

    def close(self) -> None:
        """Break the cycle of references that libcurl's callbacks are part of."""
        self.curl.close()
        self._body.clear()
        self.refusal = None
        self.__dict__.pop("_share", None)

    def _before_sending(self, _to: str, _from: str, _to_port: int, local_port: int) -> int:
        # libcurl sends a GET or DELETE again where a kept-alive connection dies before the answer, though the first may
        # have had its effect. This is called before each time: the second ends the transfer.
        if self.is_sent:
            return _ABORT
        if self._connections.is_stale(local_port):
            self.is_stale = True
            return _ABORT
        self.is_sent = True
        return _GO_ON

    def _receive(self, data: bytes) -> int | None:
        try:
            self._share.grow(len(data))
        except TransportError as error:  # libcurl knows no exceptions
            self.refusal = error.with_traceback(None)  # whose frames would keep the share
            return _REFUSED
        self._body.append(data)
        return None


class _Connections:
    """Looks at a kept-alive connection before it is used again; libcurl itself looks at most once a second.

    While a connection rests, only its end can arrive, or an answer that nobody asked for: it must not be taken for the
    next request's.
    """

    def __init__(self) -> None:
        self._new: list[int] = []
        """Descriptors of which the port is not known yet."""
        self._unused: dict[int, int] = {}
        """Descriptors by port."""
        self._used: dict[int, select.poll] = {}

    def add(self, descriptor: int, _purpose: int) -> int:
        """Remember a socket that is about to be connected."""
        self._new.append(descriptor)
        return _GO_ON

    def is_stale(self, local_port: int) -> bool:
        """Whether anything has arrived on the connection from *local_port* since its last answer."""
        while self._new:
            descriptor = self._new.pop()
            if (port := _local_port(descriptor)) is not None:
                self._unused[port] = descriptor
        if (descriptor := self._unused.pop(local_port, -1)) != -1:
            # Not asked: after a TLS handshake the server's session tickets may be waiting to be read.
            self._used[local_port] = select.poll()
            self._used[local_port].register(descriptor, select.POLLIN)
            return False
        used = self._used.get(local_port)
        return used is not None and bool(used.poll(0))


def _local_port(descriptor: int) -> int | None:
    try:
        borrowed = socket.socket(fileno=descriptor)
        try:
            return int(borrowed.getsockname()[1])
        finally:
            borrowed.detach()
    except (OSError, IndexError):  # closed again, such as the slower one of an IPv4 and an IPv6 address
        return None


class _Headers(Mapping[str, str]):
    """The headers of a response, looked for in its head when one is asked for: few are, of most responses."""

    __slots__ = ("_lines",)

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    def __getitem__(self, name: str) -> str:
        wanted = name.lower().encode("latin-1") + b":"
        for line in reversed(self._lines):
            if line[: len(wanted)].lower() == wanted:
                return line[len(wanted) :].decode("latin-1").strip()
            if line.startswith(b"HTTP/"):
                break  # the heads before are of interim responses, such as 103, or of a proxy
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        for line in reversed(self._lines):
            if line.startswith(b"HTTP/"):
                return
            name, colon, _ = line.decode("latin-1").partition(":")
            if colon:
                yield name.lower()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def transfer_options(settings: Settings, credentials: Credentials) -> list[tuple[int, object]]:
    """Return the options that all transfers share. Raise `BadInput`."""
    options: list[tuple[int, object]] = [
        (pycurl.NOSIGNAL, 1),
        (pycurl.FOLLOWLOCATION, 0),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.PATH_AS_IS, 1),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
        (pycurl.ACCEPT_ENCODING, ""),  # all that it can unpack
        (pycurl.PROXY, proxy_for(settings.base_url) or ""),
        (pycurl.NOPROXY, ""),  # without it libcurl reads NO_PROXY once more, by rules of its own
        (pycurl.DNS_CACHE_TIMEOUT, _DNS_SECONDS),
        (pycurl.CONNECTTIMEOUT_MS, _milliseconds(settings.connect_timeout_seconds)),
        (pycurl.TIMEOUT_MS, _milliseconds(settings.request_timeout_seconds)),
        (pycurl.LOW_SPEED_LIMIT, 1),
        (pycurl.LOW_SPEED_TIME, math.ceil(settings.read_timeout_seconds)),
        (pycurl.HTTPAUTH, pycurl.HTTPAUTH_BASIC),
        (pycurl.USERNAME, credentials.username),
        (pycurl.PASSWORD, credentials.secret),
        (pycurl.USERAGENT, f"readstate/{__version__}"),
        (pycurl.HTTPHEADER, ["Accept: application/json", "Expect:"]),
    ]
    if settings.base_url.startswith("https:"):
        # libcurl's own default is where Red Hat keeps them.
        default = ssl.get_default_verify_paths()
        if file := authorities_file() or default.cafile:
            options.append((pycurl.CAINFO, str(file)))
        elif default.capath:
            options.append((pycurl.CAPATH, default.capath))
    return options


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))
