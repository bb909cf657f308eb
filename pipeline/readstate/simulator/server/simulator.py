"""What happens to a request between its arrival and its response: limits, latency and faults around the API."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from readstate.simulator.api.api import NOWHERE, Api, Request
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.credentials import Credentials
from readstate.simulator.api.expected_rows import Oracle
from readstate.simulator.api.lists.paging import next_target
from readstate.simulator.api.responses import Response, error_response, html_response
from readstate.simulator.api.routes import find_route
from readstate.simulator.faults.account_limits import AccountLimits, BackgroundCounts
from readstate.simulator.faults.faults import Faults
from readstate.simulator.faults.injector import Fault, FaultInjector
from readstate.simulator.seed.sid_space import mix, subkey
from readstate.simulator.server.counters import Counters
from readstate.simulator.server.http_connection import ResponseWriter
from readstate.simulator.server.live_clients import LiveClients
from readstate.simulator.server.page_cache import PageCache
from readstate.simulator.server.response_headers import DateHeader, bare_head, head
from readstate.simulator.world.world import World

_REFUSAL_SECONDS: Final = 0.002
"""A 429 takes a moment too."""
_OUTAGE_SECONDS: Final = 0.005
_PRERENDERED_BYTES: Final = 1 << 40
_OVERSIZE: Final = 33 * 1024 * 1024
_TITLES: Final = {
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


class _PendingRequest(NamedTuple):
    """A request that has no response yet."""

    request: Request
    writer: ResponseWriter
    request_id: str
    seconds: float
    """Time in service, for the header."""
    concurrent: int


class Simulator:
    """An account of Twilio Conversations with its limits and its faults."""

    def __init__(
        self,
        world: World | None = None,
        *,
        faults: Faults | None = None,
        behaviour: Behaviour | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.world = world or World()
        self.credentials = credentials or Credentials()
        self.counters = Counters()
        self.injector = FaultInjector(self.world.shape.seed, faults or Faults())
        self.account = AccountLimits(self.injector, time.monotonic)
        self.api = Api(
            self.world, injector=self.injector, behaviour=behaviour or Behaviour(), credentials=self.credentials
        )
        self._pages = PageCache()
        self.world.log.on_change.append(self._pages.clear)
        self._date = DateHeader()
        self._request_key = subkey(self.world.shape.seed, "request ids")
        self._requests = 0
        self.live_clients = LiveClients(self.api.other_clients)
        self._refresh_flags()

    @property
    def faults(self) -> Faults:
        return self.injector.faults

    @property
    def behaviour(self) -> Behaviour:
        return self.api.behaviour

    def change_faults(self, faults: Faults) -> None:
        """Put other faults in force; requests in service keep theirs."""
        self.account.catch_up(time.monotonic())
        self.injector.change(faults)
        self._refresh_flags()
        self.live_clients.change(faults)

    def change_behaviour(self, behaviour: Behaviour) -> None:
        """Put another behaviour in force."""
        self.api.behaviour = behaviour
        self._refresh_flags()

    def set_base_url(self, base_url: str) -> None:
        """Set what the URLs in responses begin with."""
        self.api.base_url = base_url
        self._pages.clear()

    def oracle(self) -> Oracle:
        """Return the rows that a perfect client would read now."""
        return Oracle(
            self.world,
            account_sid=self.credentials.account_sid,
            base_url=self.api.base_url,
            behaviour=self.behaviour,
        )

    def reset_counters(self) -> None:
        self.counters = Counters()
        self.account.background = BackgroundCounts()

    def prerender(self) -> int:
        """Render and cache all pages of every user's list, and return how many.

        A benchmark then measures its client and not the rendering, at about 1.2 kB a row. The pages are those that an
        export requests, below `/v1/Services/{Sid}`. Any change clears them, as it clears the whole cache.
        """
        self._pages.grow(_PRERENDERED_BYTES)
        return sum(
            self._prerender_list(f"/v1/Services/{service.sid}/Users/{user.sid}/Conversations?PageSize=50")
            for service, user in self.world.users()
        )

    def _prerender_list(self, first_target: str) -> int:
        authorization = next(iter(self.credentials.permissions()))
        target, pages = first_target, 0
        while target:
            template, response = self.api.handle(Request("GET", target, authorization), "RQ")
            if response.status != 200:
                break
            self._pages.put(target, (template, response))
            pages += 1
            target = next_target(response.body)
        return pages

    def receive(self, request: Request, writer: ResponseWriter) -> None:
        """Handle a request; *writer* gets its response now, later or never."""
        if self._is_instant:
            # With no time in service there is never more than one request in it.
            self._respond(_PendingRequest(request, writer, self._new_request_id(), 0.001, 1))
        else:
            self._later(self.faults.rtt_ms / 2000, self._arrive, request, writer)

    def _arrive(self, request: Request, writer: ResponseWriter) -> None:
        faults, request_id = self.faults, self._new_request_id()
        if faults.outage == "hang":
            self.counters.faults["hang"] += 1
            return
        if faults.outage == "503":
            pending = _PendingRequest(request, writer, request_id, 0.0, 0)
            self._later(_OUTAGE_SECONDS, self._fail, pending, 503)
            return
        verdict = self.account.enter()
        concurrent = self.account.in_service
        self.counters.most_in_flight = max(self.counters.most_in_flight, self.account.ours)
        if verdict == "admitted":
            seconds = self.injector.service_seconds(concurrent - 1)
            self._later(seconds, self._serve, _PendingRequest(request, writer, request_id, seconds, concurrent))
            return
        code = faults.rate_code if verdict == "too_many_a_second" else 20429
        self.counters.refusals[code] += 1
        refused = error_response(429, code, "Too Many Requests", retry_after_seconds=faults.retry_after_seconds)
        pending = _PendingRequest(request, writer, request_id, 0.0, concurrent)
        self._later(_REFUSAL_SECONDS, self._reject, pending, refused)

    def _serve(self, pending: _PendingRequest) -> None:
        self.account.leave()
        fault = self.injector.draw(pending.request.method)
        if fault == "none":
            self._respond(pending)
            return
        self.counters.faults[fault] += 1
        self._inject(pending, fault)

    def _inject(self, pending: _PendingRequest, fault: Fault) -> None:
        match fault:
            case "error":
                self._fail(pending, self.injector.error_status())
            case "error_after":
                self.api.handle(pending.request, pending.request_id)
                self._fail(pending, self.injector.error_status())
            case "reset_before":
                pending.writer.reset()
            case "reset_after":
                self.api.handle(pending.request, pending.request_id)
                pending.writer.reset()
            case "unauthorized":
                self._reject(pending, error_response(401, 20003, "Authenticate"))
            case "conflict":
                self._reject(pending, error_response(409, 50419, "Conflicting member modification"))
            case "html_success":
                self._reject(pending, html_response(200, "Welcome"))
            case _:
                self._corrupt(pending, fault)

    def _corrupt(self, pending: _PendingRequest, fault: Fault) -> None:
        response = self._api_response(pending)
        if fault == "oversize":
            response = response._replace(body=response.body + b" " * (_OVERSIZE - len(response.body)))
        response = self._encoded(pending, response)
        beginning = self._head(pending, response)
        match fault:
            case "truncate":
                pending.writer.send_and_close(beginning + response.body[: len(response.body) // 2])
            case "drip":
                pending.writer.drip(beginning + response.body, seconds=self.faults.drip_seconds)
            case _:
                pending.writer.send(beginning + response.body)

    def _respond(self, pending: _PendingRequest) -> None:
        request = pending.request
        cached = self._pages.get(request.target) if request.method == "GET" else None
        if cached is not None and self.api.is_welcome(request.authorization):
            template, response = cached
            self.counters.answers[request.method, template, response.status] += 1
        else:
            response = self._api_response(pending)
        self._depart(pending, response)

    def _api_response(self, pending: _PendingRequest) -> Response:
        request = pending.request
        template, response = self.api.handle(request, pending.request_id)
        if response.status == 429:
            self.counters.refusals[self.behaviour.actions_code] += 1
            response = response._replace(retry_after_seconds=self.faults.retry_after_seconds)
        self.counters.answers[request.method, template, response.status] += 1
        if self._cacheable and request.method == "GET" and response.status == 200:
            self._pages.put(request.target, (template, response))
        return response

    def _fail(self, pending: _PendingRequest, status: int) -> None:
        self._count_unserved(pending, status)
        if self.injector.chance(self.faults.html_share):
            response = html_response(status, _TITLES.get(status, "Error"))
            beginning = bare_head(response, date=self._date.text(self.faults.clock_skew_seconds))
            self._later(self.faults.rtt_ms / 2000, pending.writer.send, beginning + response.body)
        else:
            code = 20500 if status == 500 else 20503
            self._depart(pending, error_response(status, code, "An internal server error has occurred"))

    def _reject(self, pending: _PendingRequest, response: Response) -> None:
        self._count_unserved(pending, response.status)
        self._depart(pending, response)

    def _depart(self, pending: _PendingRequest, response: Response) -> None:
        response = self._encoded(pending, response)
        payload = self._head(pending, response) + response.body
        if self._is_instant:
            pending.writer.send(payload)
        else:
            self._later(self.faults.rtt_ms / 2000, pending.writer.send, payload)

    def _count_unserved(self, pending: _PendingRequest, status: int) -> None:
        route = find_route(pending.request.target.partition("?")[0])
        self.counters.answers[pending.request.method, route.template if route else NOWHERE, status] += 1

    def _encoded(self, pending: _PendingRequest, response: Response) -> Response:
        if self.behaviour.compression == "none" or not response.body:
            return response
        return response.gzipped() if b"gzip" in pending.request.accept_encoding else response

    def _head(self, pending: _PendingRequest, response: Response) -> bytes:
        behaviour = self.behaviour
        return head(
            response,
            request_id=pending.request_id if behaviour.request_id_header == "sent" else None,
            seconds=pending.seconds,
            concurrent=pending.concurrent if behaviour.concurrent_requests_header == "sent" else None,
            date=self._date.text(self.injector.faults.clock_skew_seconds),
        )

    def _later(self, seconds: float, then: Callable[..., None], *args: object) -> None:
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, then, *args)
        else:
            then(*args)

    def _new_request_id(self) -> str:
        self._requests += 1
        return f"RQ{mix(self._requests, self._request_key):032x}"

    def _refresh_flags(self) -> None:
        faults = self.faults
        self.world.messages_update_conversations = self.behaviour.message_moves_date_updated == "yes"
        self._pages.clear()
        self._is_instant = not (
            self.injector.has_faults
            or faults.latency_ms
            or faults.latency_quantiles_ms
            or faults.latency_added_ms
            or faults.rtt_ms
            or faults.stall_share
            or faults.outage != "no"
            or faults.requests_per_second_cap is not None
            or faults.background_requests_per_second
            or faults.concurrency_cap == 0
        )
        self._cacheable = self.injector.pages_in_order and not (
            faults.live_after_fetch_share
            or faults.live_message_share
            or faults.live_list_share
            or self.behaviour.unread_lag_seconds
        )
