"""Decides when the next request may be sent, from nothing but the responses to the earlier ones."""

import math
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from readstate.events import Event, OutageBegan, OutageEnded, PauseBegan, WindowFound
from readstate.twilio.pacing.adaptive_limit import AdaptiveLimit
from readstate.twilio.pacing.circuit_breaker import CircuitBreaker
from readstate.twilio.pacing.pacer import Pacer

_CONCURRENCY_CODES = {None, 429, 20429}
"""Codes about requests in flight; any other code of a 429 is about requests per second."""

_SMALLEST_WINDOW = 0.03
"""Below one, the window is a pause: at 0.03 one request in 33 round trips asks whether there is room again."""
_FULL = 0.85
"""A window this full is what limits us, and may grow."""
_SPACING_HEADROOM = 1.5
"""How much faster than the window alone would allow: evens out bursts, limits nothing."""
_WINDOW_STEP = 0.5
_SEARCH_MARGIN = 0.95
_RATE_MARGIN = 0.9
_RATE_STEP = 0.02
_RATE_BUDGET_SHARE = 0.35
"""A rate limit refuses in bursts that production feels too, and costs nothing to stay below."""
_RATE_METER_SECONDS = 0.3
_LATENCY_MEMORY = 0.02
_LATENCY_GUESS = 0.2
"""Seconds, for an account that has not admitted anything yet."""
_PAUSE_JITTER = 0.05
_RECENT_SECONDS = 1.0

_NO_EVENTS: Sequence[Event] = ()


class LimiterSettings(Struct, frozen=True):
    """What a user may set."""

    max_in_flight: int = 500
    initial_in_flight: int = 4
    max_rate: float | None = None
    """Requests per second, all together; None leaves it to the responses."""
    refusal_budget: float = 0.003
    """The share of requests that may be refused in the search for more room; 0.001 puts production first."""
    writes_per_second: float = 30.0
    """The most for each write domain; Twilio's own limit is 30 a second for each service."""
    max_outage_seconds: float = 900.0


class Sent(msgspec.Struct):
    """One request in flight."""

    at: float
    in_flight: int
    """How many were in flight with it."""
    domain: str | None
    is_probe: bool


class LimiterView(Struct, frozen=True):
    """What progress displays and reports show."""

    window: float
    """How many requests may be in flight."""
    in_flight: int
    outage_seconds: float
    rates: dict[str, float]
    """Requests per second of each domain that has such a limit."""
    waiting: int = 0
    """Requests in the queue."""
    pause_seconds: float = 0.0
    """How long the longest pause still lasts that Twilio asked for."""


class AdaptiveLimiter:
    """The window of the whole account, a pacer for each domain, and the circuit breaker.

    Call `ready_at`, then `sent`, and for each request sent exactly one of `accepted`, `refused`, `failed` and
    `cancelled`; these return events for observers. A *domain* names the writes of one service; None is all reads.
    """

    def __init__(self, settings: LimiterSettings) -> None:
        self.settings = settings
        self.in_flight = 0
        self.waiting = 0
        """Requests in the queue, which counts them here: the demand that a shared member reports."""
        self.window = AdaptiveLimit(
            float(settings.initial_in_flight),
            least=_SMALLEST_WINDOW,
            most=float(settings.max_in_flight),
            budget=settings.refusal_budget,
            step=_WINDOW_STEP,
        )
        self.window.slow_start = True
        self.account = Pacer()
        self.pacers: dict[str | None, Pacer] = {None: Pacer()}
        self.circuit_breaker = CircuitBreaker()
        self._latency = 0.0
        self._admitted = 0
        self._metered = 0.0
        self._metered_at = 0.0

    @property
    def allowed(self) -> float:
        """How many requests may be in flight; below one, it is a pause."""
        return self.window.value

    def begin_at(self, now: float, in_flight: float) -> None:
        """Begin slow start at *in_flight* requests, for an account that is known to admit more."""
        if self.window.slow_start and self.window.share == 1.0 and in_flight > self.window.value:
            self.window.search(now, in_flight)

    def ready_at(self, now: float, domain: str | None) -> float:
        """Return when the next request of *domain* may be sent; infinity: not before a response comes."""
        if self.circuit_breaker.opened_at is not None:
            return self.circuit_breaker.ready_at()
        if self.in_flight and self.in_flight >= int(self.window.value):
            return math.inf
        return max(self.account.ready_at(), self._pacer(domain).ready_at())

    def sent(self, now: float, domain: str | None) -> Sent:
        """Count one request as in flight, and return what its outcome has to be reported with."""
        self.in_flight += 1
        is_probe = self.circuit_breaker.is_open
        if is_probe:
            self.circuit_breaker.probe_sent()
        else:
            self.account.sent(now, self._spacing())
        pacer = self._pacer(domain)
        if pacer.rate is not None:
            pacer.sent(now, pacer.rate.value)
        return Sent(now, self.in_flight, domain, is_probe)

    def accepted(self, now: float, sent: Sent) -> Sequence[Event]:
        """Learn that *sent* was admitted: any status below 500 but 429."""
        busy = self.in_flight >= _FULL * int(self.window.value)
        self.in_flight -= 1
        self._meter(now, now - sent.at)
        if self.circuit_breaker.opened_at is not None:
            return self._probe_succeeded(now) if sent.is_probe else _NO_EVENTS
        self.circuit_breaker.succeeded()
        if busy:
            self.window.accepted(now)
        pacer = self.pacers[sent.domain]
        if pacer.rate is not None and pacer.is_binding:
            pacer.rate.accepted(now)
        return _NO_EVENTS

    def refused(
        self, now: float, sent: Sent, *, code: int | None, retry_after: float | None, chance: float
    ) -> Sequence[Event]:
        """Learn that *sent* was refused (429): it was not processed. *chance* is in [0, 1)."""
        self.in_flight -= 1
        events: list[Event] = []
        if self.circuit_breaker.is_open:
            if sent.is_probe:
                self.circuit_breaker.reschedule_probe(now + (retry_after or 1.0))
            return events
        by_window = code in _CONCURRENCY_CODES
        pacer = self.account if by_window else self._pacer(sent.domain)
        begins_pause = bool(retry_after) and pacer.paused_until <= now
        if retry_after:
            if begins_pause:
                events.append(PauseBegan(None if by_window else sent.domain, retry_after))
            pacer.pause_until(now + retry_after * (1 + _PAUSE_JITTER * chance))
        # A pause costs far more than a refusal: its first refusal lowers the limit by a share, the others not at all.
        if not by_window:
            self._too_fast(now, sent, pacer, begins_pause=begins_pause)
        elif self.window.slow_start:
            self.window.reset(now, max(1.0, _SEARCH_MARGIN * sent.in_flight))
            events.append(WindowFound(self.window.value))
        elif begins_pause:
            self.window.reset(now, _SEARCH_MARGIN * self.window.value)
        else:
            self.window.refused(now, sent_at=sent.at)
        return events

    def failed(self, now: float, sent: Sent, *, chance: float) -> Sequence[Event]:
        """Learn that *sent* met a 5xx, a timeout or a lost connection. *chance* is in [0, 1)."""
        self.in_flight -= 1
        if self.circuit_breaker.is_open:
            if sent.is_probe:
                self.circuit_breaker.probe_failed(now, chance)
        elif self.circuit_breaker.failed(now, chance):
            return (OutageBegan(),)
        return _NO_EVENTS

    def cancelled(self, now: float, sent: Sent) -> None:
        """Forget *sent*: its outcome teaches nothing."""
        self.in_flight -= 1
        if sent.is_probe:
            self.circuit_breaker.reschedule_probe(now)

    def reschedule(self, now: float) -> None:
        """Delay no request for longer than the limits of this moment require."""
        self.account.reschedule(now, self._spacing())
        for pacer in self.pacers.values():
            if pacer.rate is not None:
                pacer.reschedule(now, pacer.rate.value)

    def join_outage(self, now: float, *, chance: float) -> Sequence[Event]:
        """Open the circuit breaker because other processes get no responses, unless we had one lately."""
        if self.circuit_breaker.is_open or now - self._metered_at < _RECENT_SECONDS:
            return _NO_EVENTS
        self.circuit_breaker.open(now, chance)
        return (OutageBegan(),)

    def outage_seconds(self, now: float) -> float:
        """Return for how long nothing has worked."""
        return 0.0 if self.circuit_breaker.opened_at is None else now - self.circuit_breaker.opened_at

    def view(self, now: float) -> LimiterView:
        """Return what progress displays and reports show."""
        rates = {name or "reads": pacer.rate.value for name, pacer in self.pacers.items() if pacer.rate is not None}
        paused_until = max(pacer.paused_until for pacer in (self.account, *self.pacers.values()))
        return LimiterView(
            window=self.window.value,
            in_flight=self.in_flight,
            outage_seconds=self.outage_seconds(now),
            rates=rates,
            waiting=self.waiting,
            pause_seconds=max(0.0, paused_until - now),
        )

    def start_rate_limit(self, now: float, pacer: Pacer) -> None:
        """Begin to keep a rate, whose true limit is unknown."""
        # Start at 90 % of the recently accepted rate: it still contains the server's burst allowance.
        pacer.rate = self._rate(1.0, math.inf)
        possible = self.window.value / self._latency if self._latency else 0.0
        pacer.rate.reset(now, max(_RATE_MARGIN * self._accepted_per_second(now), 0.6 * possible))

    def _pacer(self, domain: str | None) -> Pacer:
        pacer = self.pacers.get(domain)
        if pacer is None:
            most = self.settings.writes_per_second * self.window.share
            pacer = self.pacers[domain] = Pacer(self._rate(_RATE_MARGIN * most, most))
        return pacer

    def _rate(self, value: float, most: float) -> AdaptiveLimit:
        budget = _RATE_BUDGET_SHARE * self.settings.refusal_budget
        return AdaptiveLimit(value, least=0.2, most=most, budget=budget, step=1.0, relative_step=_RATE_STEP)

    def _too_fast(self, now: float, sent: Sent, pacer: Pacer, *, begins_pause: bool) -> None:
        self.window.slow_start = False
        if pacer.rate is None:
            self.start_rate_limit(now, pacer)
        elif begins_pause:
            pacer.rate.reset(now, _RATE_MARGIN * pacer.rate.value)
        else:
            pacer.rate.refused(now, sent_at=sent.at)

    def _probe_succeeded(self, now: float) -> Sequence[Event]:
        seconds = self.outage_seconds(now)
        if not self.circuit_breaker.probe_succeeded(now):
            return _NO_EVENTS
        # How much the account takes after an outage is unknown: all its other clients return at the same moment.
        self.window.search(now, max(1.0, self.window.value / 2))
        return (OutageEnded(seconds),)

    def _spacing(self) -> float:
        """Return the requests per second that the window and the user allow."""
        most = (self.settings.max_rate or math.inf) * self.window.share
        window = self.window.value
        if window < 1:
            return min(most, window / (self._latency or _LATENCY_GUESS))
        return min(most, _SPACING_HEADROOM * window / self._latency) if self._latency else most

    def _meter(self, now: float, latency: float) -> None:
        self._admitted += 1
        self._latency += max(_LATENCY_MEMORY, 1 / self._admitted) * (latency - self._latency)
        self._metered = self._accepted_per_second(now) + 1 / _RATE_METER_SECONDS
        self._metered_at = now

    def _accepted_per_second(self, now: float) -> float:
        return self._metered * math.exp((self._metered_at - now) / _RATE_METER_SECONDS)
