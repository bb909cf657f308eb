"""Sends as fast as the limiter allows, reports each outcome to it, and waits out 429s and outages."""

import asyncio
from collections.abc import Iterable

import msgspec

from readstate.clock import Clock
from readstate.errors import NotSent, StoppedEarly, TooLate, TransportError, UnusableAnswer
from readstate.events import Event, Observer, RequestAnswered, RequestLost, Retried, ignore
from readstate.twilio.http.request import Request, fetch_configuration
from readstate.twilio.http.response import Response
from readstate.twilio.pacing.limiter import AdaptiveLimiter, Sent
from readstate.twilio.request_queue import RequestQueue
from readstate.twilio.transport.transport import Transport

PROBE_SECONDS = 5.0
FIRST_CONTACT_SECONDS = 50.0
"""How long a run waits for the first answer of all: an outage at the start is more often a wrong address. With the time
until that is noticed, the run ends within a minute."""
_LONGEST_PAUSE_SECONDS = 300.0


class Throttled:
    """A transport that keeps *inner* within the limits of *limiter*, and never returns a 429."""

    def __init__(
        self,
        inner: Transport,
        limiter: AdaptiveLimiter,
        clock: Clock,
        emit: Observer = ignore,
        *,
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:
        self._inner = inner
        self._limiter = limiter
        self._clock = clock
        self._emit = emit
        self._probe_seconds = probe_seconds
        self._queue = RequestQueue(limiter, clock)
        self._has_answered = False
        self._last_error = ""

    async def send(self, request: Request) -> Response:
        """Send *request* when the limiter admits it; return the response whatever its status, except 429.

        A request that was refused (429) was not processed: it returns to the queue, where the limiter decides when it
        is sent again. During an outage requests wait, and some are sent as probes, which does not count as an attempt.
        Raises `StoppedEarly` when the outage lasts too long, or when Twilio asks for a pause of many minutes,
        `TooLate` where *request* was not to leave any more when it was admitted, and whatever *inner* raises.
        """
        throttled = 0
        try:
            while True:
                domain = request.domain
                sent = self._queue.admit(domain) or await self._queue.wait(domain, is_urgent=request.is_urgent)
                if request.leave_by is not None:
                    self._raise_if_late(request, request.leave_by, sent)
                response = await (self._probe(request, sent) if sent.is_probe else self._attempt(request, sent))
                if response is None:
                    continue
                if response.status != 429:
                    break
                throttled += 1
                await self._step_aside(request, response)
        except (TransportError, TooLate) as error:
            error.throttled = throttled
            raise
        return msgspec.structs.replace(response, throttled=throttled) if throttled else response

    async def _step_aside(self, request: Request, refused: Response) -> None:
        # The limiter slows all requests down; this only keeps those refused at once from returning as one wave. It
        # runs while the limiter holds the pause of a Retry-After, and does not add to it.
        seconds = 0.05 + 0.5 * self._clock.random()
        pause = refused.retry_after_seconds(self._clock.now()) or 0.0
        self._emit(Retried(request.method, request.path, "status 429", 0, max(pause, seconds), refused.request_id))
        await self._clock.sleep(seconds)

    def _raise_if_late(self, request: Request, leave_by: float, sent: Sent) -> None:
        now = self._clock.monotonic()
        if now > leave_by:
            self._cancel(now, sent)
            raise TooLate(f"{request.method} {request.path} waited {now - leave_by:.1f} seconds too long")

    async def _attempt(self, request: Request, sent: Sent) -> Response:
        try:
            response = await self._inner.send(request)
        except BaseException as error:
            self._report_error(request, sent, error)
            if isinstance(error, NotSent) and error.is_lasting and not self._has_answered:
                raise StoppedEarly(error.message, hint=error.hint) from error
            raise
        self._has_answered = True
        self._report_response(request, sent, response)
        return response

    async def _probe(self, request: Request, sent: Sent) -> Response | None:
        """Probe whether the outage is over, with *request* itself if it is a read; None: it has to wait again."""
        self._raise_if_outage_is_too_long(sent)
        is_read = request.method == "GET"
        try:
            async with asyncio.timeout(self._probe_seconds):
                response = await self._attempt(request if is_read else fetch_configuration(), sent)
        except (TransportError, TimeoutError):
            return None
        return response if is_read and response.status < 500 else None

    def _raise_if_outage_is_too_long(self, sent: Sent) -> None:
        now = self._clock.monotonic()
        seconds = self._limiter.outage_seconds(now)
        longest = self._limiter.settings.max_outage_seconds
        if seconds > (longest if self._has_answered else min(longest, FIRST_CONTACT_SECONDS)):
            self._cancel(now, sent)
            cause = f": {self._last_error}" if self._last_error else ""
            raise StoppedEarly(
                f"Twilio has given no usable answer for {seconds:.0f} seconds{cause}",
                hint="Look at status.twilio.com and at your network; the same command resumes this run.",
            )

    def _report_response(self, request: Request, sent: Sent, response: Response) -> None:
        now = self._clock.monotonic()
        self._emit(RequestAnswered(request.method, response.status, now - sent.at, response.headers))
        if response.status == 429:
            events = self._refused(now, sent, response)
        elif response.status >= 500:
            self._last_error = f"status {response.status}"
            events = self._limiter.failed(now, sent, chance=self._clock.random())
        else:
            events = self._limiter.accepted(now, sent)
        self._finish(now, events)

    def _refused(self, now: float, sent: Sent, response: Response) -> Iterable[Event]:
        pause = response.retry_after_seconds(self._clock.now())
        if pause is not None and pause > _LONGEST_PAUSE_SECONDS:
            self._cancel(now, sent)
            raise StoppedEarly(
                f"Twilio asks for a pause of {pause:.0f} seconds (429, code {response.code})",
                hint="Run the same command again after that time; it resumes this run.",
            )
        return self._limiter.refused(now, sent, code=response.code, retry_after=pause, chance=self._clock.random())

    def _report_error(self, request: Request, sent: Sent, error: BaseException) -> None:
        now = self._clock.monotonic()
        if isinstance(error, TransportError):
            self._last_error = error.message
            self._emit(RequestLost(request.method, request.path, str(error), sent=not isinstance(error, NotSent)))
        if isinstance(error, UnusableAnswer):
            self._finish(now, self._limiter.accepted(now, sent))  # of no use to us, but the server is up
        elif isinstance(error, TransportError) or sent.is_probe:  # a probe is cancelled when its time is up
            self._finish(now, self._limiter.failed(now, sent, chance=self._clock.random()))
        else:
            self._cancel(now, sent)

    def _cancel(self, now: float, sent: Sent) -> None:
        self._limiter.cancelled(now, sent)
        self._queue.dispatch(now)

    def _finish(self, now: float, events: Iterable[Event]) -> None:
        for event in events:
            self._emit(event)
        self._queue.dispatch(now)
