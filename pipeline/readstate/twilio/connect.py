"""Builds a reader or a writer from settings and credentials: the layers of the client, in their order."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib.util import find_spec

from msgspec import Struct

from readstate.clock import Clock
from readstate.errors import BadInput
from readstate.events import Observer, ignore
from readstate.model.quantities import parse_duration
from readstate.settings.credentials import Credentials
from readstate.settings.redis_address import without_password
from readstate.settings.settings import Settings
from readstate.twilio.client import Reader, Writer
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.retry import Retrying, RetryPolicy
from readstate.twilio.throttle import Throttled
from readstate.twilio.transport.body_budget import BodyBudget
from readstate.twilio.transport.connecting import proxy_host
from readstate.twilio.transport.time_bounds import time_bounded
from readstate.twilio.transport.transport import Transport


class Connection(Struct, frozen=True):
    """An open connection to Twilio, with pacing and retries."""

    transport: Transport
    limiter: AdaptiveLimiter
    page_size: int
    emit: Observer = ignore
    account_sid: str | None = None
    """The account that has to answer, where the credentials name one."""

    def reader(self) -> Reader:
        """Return a client that cannot write."""
        return Reader(self.transport, page_size=self.page_size, emit=self.emit, account_sid=self.account_sid)

    def writer(self) -> Writer:
        """Return a client that can write."""
        return Writer(self.transport, page_size=self.page_size, emit=self.emit, account_sid=self.account_sid)


@asynccontextmanager
async def connection(
    settings: Settings, credentials: Credentials, *, clock: Clock, emit: Observer = ignore
) -> AsyncIterator[Connection]:
    """Connect to the configured origin while the block runs."""
    limiter = AdaptiveLimiter(
        LimiterSettings(
            max_in_flight=settings.max_in_flight,
            max_rate=settings.max_rate or None,
            refusal_budget=0.001 if settings.production_first else 0.003,
            writes_per_second=settings.writes_per_second,
            max_outage_seconds=parse_duration(settings.max_outage),
        )
    )
    policy = RetryPolicy(max_attempts=settings.max_attempts, retry_share=settings.retry_share)
    async with open_transport(settings, credentials) as transport, _shared(limiter, settings, credentials, clock, emit):
        yield Connection(
            Retrying(Throttled(transport, limiter, clock, emit), policy=policy, clock=clock, emit=emit),
            limiter,
            settings.page_size,
            emit,
            credentials.account_sid,
        )


def open_transport(settings: Settings, credentials: Credentials) -> AbstractAsyncContextManager[Transport]:
    """Open the transport that *settings* name to the configured origin. Raise `BadInput` where it is not installed."""
    bodies = BodyBudget(each=settings.max_body_megabytes << 20)
    if transport_name(settings) == "curl":
        from readstate.twilio.transport.curl_transport import open_curl_transport  # noqa: PLC0415 - optional

        return open_curl_transport(settings, credentials, bodies)
    from readstate.twilio.transport.aiohttp_transport import open_aiohttp_transport  # noqa: PLC0415 - aiohttp takes 0.2 s

    return time_bounded(open_aiohttp_transport(settings, credentials, bodies), settings)


def transport_name(settings: Settings) -> str:
    """Return ``curl`` or ``aiohttp``. Raise `BadInput` where *settings* ask for curl and it is not installed."""
    is_installed = find_spec("pycurl") is not None
    if settings.transport == "curl" and not is_installed:
        raise BadInput(
            'transport = "curl": pycurl is not installed', hint="pip install 'readstate[fast]', or use auto."
        )
    return "curl" if is_installed and settings.transport != "aiohttp" else "aiohttp"


def describe_route(settings: Settings) -> str:
    """Return how requests get to the origin, for a person: the transport, and the proxy without its password."""
    proxy = proxy_host(settings.base_url)
    return f"{transport_name(settings)}, " + (f"through the proxy {proxy}" if proxy else "directly")


def _shared(
    limiter: AdaptiveLimiter, settings: Settings, credentials: Credentials, clock: Clock, emit: Observer
) -> AbstractAsyncContextManager[None]:
    if not settings.shared_pace:
        return nullcontext()
    from readstate.twilio.shared_pace.coordinator import share_limiter  # noqa: PLC0415 - few processes share a pace
    from readstate.twilio.shared_pace.open_store import open_store  # noqa: PLC0415 - as above

    store = open_store(settings, credentials, clock)
    return share_limiter(limiter, store, place=without_password(settings.shared_pace), clock=clock, emit=emit)
