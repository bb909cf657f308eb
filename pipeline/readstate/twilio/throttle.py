"""Sends at the limiter that the answers allow: waits its turn, makes one attempt, reports what became of it."""

import asyncio
from collections.abc import Iterable

from readstate.clock import Clock
from readstate.errors import NotSent, StoppedEarly, TooLate, TransportError, UnusableAnswer
from readstate.events import Event, Observer, RequestAnswered, RequestLost, ignore
from readstate.twilio.http.request import Request, fetch_configuration
from readstate.twilio.http.response import Response
from readstate.twilio.http.transport import Transport
from readstate.twilio.pacing.limiter import AdaptiveLimiter, Sent
from readstate.twilio.request_queue import RequestQueue

_PROBE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 300.0


class Throttled:
    """A transport that keeps *inner* within *limiter*."""

    def __init__(self, inner: Transport, limiter: AdaptiveLimiter, clock: Clock, emit: Observer = ignore) -> None:
        self._inner = inner
        self._pace = limiter
        self._clock = clock
        self._emit = emit
        self._turns = RequestQueue(limiter, clock)

    async def send(self, request: Request) -> Response:
        """Wait for a turn, then send *request* once; give the answer whatever its status, 429 included.

        While nothing works, requests wait; some are sent as probes, which does not count as an attempt.
        Raises `StoppedEarly` when the outage lasts too long, or when Twilio asks for a pause of many minutes,
        `TooLate` where the turn came after *request* was to leave, and whatever *inner* raises.
        """
        while True:
            sent = await self._turns.take(request.domain, is_urgent=request.is_urgent)
            self._refuse_late(request, sent)
            if not sent.is_probe:
                return await self._attempt(request, sent)
            response = await self._probe(request, sent)
            if response is not None:
                return response

    def _refuse_late(self, request: Request, sent: Sent) -> None:
        now = self._clock.monotonic()
        if request.leave_by is not None and now > request.leave_by:
            self._give_back(now, sent)
            raise TooLate(f"{request.method} {request.path} waited {now - request.leave_by:.1f} seconds too long")

    async def _attempt(self, request: Request, sent: Sent) -> Response:
        try:
            response = await self._inner.send(request)
        except BaseException as error:
            self._report_error(request, sent, error)
            raise
        self._report_answer(request, sent, response)
        return response

    async def _probe(self, request: Request, sent: Sent) -> Response | None:
        """Ask whether the outage is over, with *request* itself where it only reads; None: it has to wait again."""
        self._stop_after_long_outage(sent)
        reads = request.method == "GET"
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                response = await self._attempt(request if reads else fetch_configuration(), sent)
        except (TransportError, TimeoutError):
            return None
        return response if reads and response.status < 500 else None

    def _stop_after_long_outage(self, sent: Sent) -> None:
        now = self._clock.monotonic()
        seconds = self._pace.outage_seconds(now)
        if seconds > self._pace.settings.max_outage_seconds:
            self._give_back(now, sent)
            raise StoppedEarly(
                f"Twilio has given no proper answer for {seconds:.0f} seconds",
                hint="Look at status.twilio.com and at your network; the same command goes on where this run stopped.",
            )

    def _report_answer(self, request: Request, sent: Sent, response: Response) -> None:
        now = self._clock.monotonic()
        self._emit(RequestAnswered(request.method, response.status, now - sent.at, response.request_id))
        if response.status == 429:
            events = self._refused(now, sent, response)
        elif response.status >= 500:
            events = self._pace.failed(now, sent, chance=self._clock.random())
        else:
            events = self._pace.accepted(now, sent)
        self._go_on(now, events)

    def _refused(self, now: float, sent: Sent, response: Response) -> Iterable[Event]:
        pause = response.retry_after_seconds(self._clock.now())
        if pause is not None and pause > _LONGEST_PAUSE_SECONDS:
            self._give_back(now, sent)
            raise StoppedEarly(
                f"Twilio asks for a pause of {pause:.0f} seconds (429, code {response.code})",
                hint="Run the same command again after that time; it goes on where this run stopped.",
            )
        return self._pace.refused(now, sent, code=response.code, retry_after=pause, chance=self._clock.random())

    def _report_error(self, request: Request, sent: Sent, error: BaseException) -> None:
        now = self._clock.monotonic()
        if isinstance(error, TransportError):
            self._emit(RequestLost(request.method, request.path, str(error), sent=not isinstance(error, NotSent)))
        if isinstance(error, UnusableAnswer):
            self._go_on(now, self._pace.accepted(now, sent))  # of no use to us, but the server lives
        elif isinstance(error, TransportError) or sent.is_probe:  # a probe is cancelled when its time is up
            self._go_on(now, self._pace.failed(now, sent, chance=self._clock.random()))
        else:
            self._give_back(now, sent)

    def _give_back(self, now: float, sent: Sent) -> None:
        self._pace.cancelled(now, sent)
        self._turns.serve(now)

    def _go_on(self, now: float, events: Iterable[Event]) -> None:
        for event in events:
            self._emit(event)
        self._turns.serve(now)
