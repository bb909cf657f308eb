"""Decides when the next request may be sent, from nothing but the answers to the earlier ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from readstate.events import Event, GateClosed, OutageBegan, OutageEnded, RequestRefused, WindowFound
from readstate.twilio.pacing.adaptive_limit import Level
from readstate.twilio.pacing.circuit_breaker import Breaker
from readstate.twilio.pacing.pacer import Lane

_TOO_MANY_AT_ONCE = {None, 429, 20429}
"""Codes that speak of requests in flight; any other on a 429 speaks of requests per second."""

_SMALLEST_WINDOW = 0.03
"""Below one, the window is a pause: at 0.03 one request in 33 round trips asks whether there is room again."""
_FULL = 0.85
"""A window this full is what limits us, and may grow."""
_SPACING_HEADROOM = 1.5
"""How much faster than the window alone would allow: evens out waves, limits nothing."""
_WINDOW_STEP = 0.5
_SEARCH_MARGIN = 0.95
_RATE_MARGIN = 0.9
_RATE_STEP = 0.02
_RATE_BUDGET_SHARE = 0.35
"""A rate limit refuses in bursts that production feels too, and costs nothing to stay below."""
_METER_SECONDS = 0.3
_LATENCY_MEMORY = 0.02
_LATENCY_GUESS = 0.2
"""Seconds, for an account that has not admitted anything yet."""
_GATE_JITTER = 0.05
_LATELY_SECONDS = 1.0

_NOTHING: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class PaceSettings:
    """What a user may decide about the pace."""

    max_in_flight: int = 500
    initial_in_flight: int = 4
    max_rate: float | None = None
    """Requests per second, all together; None leaves it to the answers."""
    refusal_budget: float = 0.003
    """The share of requests that may be refused in the search for more room; 0.001 puts production first."""
    writes_per_second: float = 30.0
    """The most for each write domain; Twilio's own limit is 30 a second for each service."""
    max_outage_seconds: float = 900.0


@dataclass(slots=True)
class Sent:
    """One request under way."""

    at: float
    in_flight: int
    """How many were under way with it."""
    domain: str | None
    is_probe: bool


State = Literal["searching", "steady", "paused", "outage"]


@dataclass(frozen=True, slots=True)
class PaceView:
    """What a person may want to see."""

    state: State
    window: float
    """How many requests may be in flight."""
    in_flight: int
    waiting: int
    accepted: int
    refused: int
    per_second: float
    """Requests accepted lately."""
    gate_seconds: float
    """How long the server's last ``Retry-After`` still holds everybody."""
    outage_seconds: float
    rates: dict[str, float]
    """Requests per second of each domain that has such a limit."""


class Pace:
    """The window of the whole account, a lane for each domain, and the breaker.

    Ask `ready_at`; then say `sent`, and of each request sent exactly one of `accepted`, `refused`, `failed` and
    `cancelled`. These return what observers should hear. *domain* is None for reads.
    """

    def __init__(self, settings: PaceSettings) -> None:
        self.settings = settings
        self.in_flight = 0
        self.waiting = 0
        self.window = Level(
            float(settings.initial_in_flight),
            least=_SMALLEST_WINDOW,
            most=float(settings.max_in_flight),
            budget=settings.refusal_budget,
            step=_WINDOW_STEP,
        )
        self.window.searching = True
        self.account = Lane()
        self.lanes: dict[str | None, Lane] = {None: Lane()}
        self.new_lane_ceiling = math.inf
        """The `Level.ceiling` of writes to a domain that nobody has written to yet."""
        self.breaker = Breaker()
        self._latency = 0.0
        self._answers = 0
        self._refused = 0
        self._metered = 0.0
        self._metered_at = 0.0

    @property
    def allowed(self) -> float:
        """How many requests may be in flight; below one, it is a pause."""
        return self.window.value

    def ready_at(self, now: float, domain: str | None) -> float:
        """When the next request of *domain* may be sent: *now* or earlier, later, or infinity: after an answer."""
        if self.breaker.opened_at is not None:
            return self.breaker.ready_at()
        if self.in_flight >= max(1, int(self.window.value)):
            return math.inf
        return max(self.account.ready_at(), self._lane(domain).ready_at())

    def sent(self, now: float, domain: str | None) -> Sent:
        """Count a request in; give it back with its fate."""
        self.in_flight += 1
        is_probe = self.breaker.is_open
        if is_probe:
            self.breaker.probe_sent()
        else:
            self.account.sent(now, self._spacing())
        lane = self._lane(domain)
        if lane.rate is not None:
            lane.sent(now, lane.rate.value)
        return Sent(now, self.in_flight, domain, is_probe)

    def accepted(self, now: float, sent: Sent) -> Sequence[Event]:
        """Learn that *sent* was admitted: any status below 500 but 429."""
        busy = self.in_flight >= _FULL * int(self.window.value)
        self.in_flight -= 1
        self._meter(now, now - sent.at)
        if self.breaker.opened_at is not None:
            return self._probe_succeeded(now) if sent.is_probe else _NOTHING
        self.breaker.succeeded()
        if busy:
            self.window.accepted(now)
        lane = self.lanes[sent.domain]
        if lane.rate is not None and lane.is_binding:
            lane.rate.accepted(now)
        return _NOTHING

    def refused(
        self, now: float, sent: Sent, *, code: int | None, retry_after: float | None, chance: float
    ) -> Sequence[Event]:
        """Learn that *sent* was one too many (429): it was not processed. *chance* is in [0, 1)."""
        self.in_flight -= 1
        self._refused += 1
        events: list[Event] = [RequestRefused(sent.domain, code, retry_after)]
        if self.breaker.is_open:
            if sent.is_probe:
                self.breaker.probe_put_off(now + (retry_after or 1.0))
            return events
        by_window = code in _TOO_MANY_AT_ONCE
        lane = self.account if by_window else self._lane(sent.domain)
        lost = 0.0
        if retry_after:
            lost = retry_after * self._per_second(now) / self.window.share
            if lane.gate <= now:
                events.append(GateClosed(None if by_window else sent.domain, retry_after))
            lane.hold_until(now + retry_after * (1 + _GATE_JITTER * chance))
        if not by_window:
            self._too_fast(now, sent, lane, lost)
        elif self.window.searching:
            self.window.settle(now, max(1.0, _SEARCH_MARGIN * sent.in_flight), lost_to_pause=lost)
            events.append(WindowFound(self.window.value))
        else:
            self.window.refused(now, sent_at=sent.at, lost_to_pause=lost)
        return events

    def failed(self, now: float, sent: Sent, *, chance: float) -> Sequence[Event]:
        """Learn that *sent* met a 5xx, a timeout or a lost connection. *chance* is in [0, 1)."""
        self.in_flight -= 1
        if self.breaker.is_open:
            if sent.is_probe:
                self.breaker.probe_failed(now, chance)
        elif self.breaker.failed(now, chance):
            return (OutageBegan(),)
        return _NOTHING

    def cancelled(self, now: float, sent: Sent) -> None:
        """Forget *sent*: nobody waits for its answer any more."""
        self.in_flight -= 1
        if sent.is_probe:
            self.breaker.probe_put_off(now)

    def hasten(self, now: float) -> None:
        """Put off nothing for longer than the levels of this moment ask for."""
        self.account.hasten(now, self._spacing())
        for lane in self.lanes.values():
            if lane.rate is not None:
                lane.hasten(now, lane.rate.value)

    def join_outage(self, now: float, *, chance: float) -> Sequence[Event]:
        """Send only probes, because others get no answers and we have had none lately either."""
        if self.breaker.is_open or now - self._metered_at < _LATELY_SECONDS:
            return _NOTHING
        self.breaker.open(now, chance)
        return (OutageBegan(),)

    def outage_seconds(self, now: float) -> float:
        """How long nothing has worked."""
        return 0.0 if self.breaker.opened_at is None else now - self.breaker.opened_at

    def view(self, now: float) -> PaceView:
        """What a person may want to see."""
        gate = max(0.0, self.account.gate - now, *(lane.gate - now for lane in self.lanes.values()))
        state: State = "searching" if self.window.searching else "steady"
        if self.breaker.is_open:
            state = "outage"
        elif gate > 0:
            state = "paused"
        return PaceView(
            state=state,
            window=self.window.value,
            in_flight=self.in_flight,
            waiting=self.waiting,
            accepted=self._answers,
            refused=self._refused,
            per_second=self._per_second(now),
            gate_seconds=gate,
            outage_seconds=self.outage_seconds(now),
            rates={name or "reads": lane.rate.value for name, lane in self.lanes.items() if lane.rate is not None},
        )

    def _lane(self, domain: str | None) -> Lane:
        lane = self.lanes.get(domain)
        if lane is None:
            most = self.settings.writes_per_second * self.window.share
            rate = self._rate(_RATE_MARGIN * min(most, self.new_lane_ceiling), most)
            rate.ceiling = self.new_lane_ceiling
            lane = self.lanes[domain] = Lane(rate)
        return lane

    def _rate(self, value: float, most: float) -> Level:
        budget = _RATE_BUDGET_SHARE * self.settings.refusal_budget
        return Level(value, least=0.2, most=most, budget=budget, step=1.0, relative_step=_RATE_STEP)

    def _too_fast(self, now: float, sent: Sent, lane: Lane, lost: float) -> None:
        self.window.searching = False
        if lane.rate is None:
            self.meet_rate(now, lane, lost)
        else:
            lane.rate.refused(now, sent_at=sent.at, lost_to_pause=lost)

    def meet_rate(self, now: float, lane: Lane, lost: float = 0.0) -> None:
        """Begin to keep a rate that nobody has told."""
        # What was admitted lately is our share, and already more than is left once the server's allowance for bursts
        # is spent.
        lane.rate = self._rate(1.0, math.inf)
        possible = self.window.value / self._latency if self._latency else 0.0
        share = max(_RATE_MARGIN * self._per_second(now), 0.6 * possible)
        lane.rate.settle(now, share, lost_to_pause=lost)

    def _probe_succeeded(self, now: float) -> Sequence[Event]:
        seconds = self.outage_seconds(now)
        if not self.breaker.probe_succeeded(now):
            return _NOTHING
        # What is left of the account after an outage is unknown: everybody else returns at the same moment.
        self.window.search(now, max(1.0, self.window.value / 2))
        return (OutageEnded(seconds),)

    def _spacing(self) -> float:
        """Requests per second that the window and the user allow."""
        most = (self.settings.max_rate or math.inf) * self.window.share
        window = self.window.value
        if window < 1:
            return min(most, window / (self._latency or _LATENCY_GUESS))
        return min(most, _SPACING_HEADROOM * window / self._latency) if self._latency else most

    def _meter(self, now: float, latency: float) -> None:
        self._answers += 1
        self._latency += max(_LATENCY_MEMORY, 1 / self._answers) * (latency - self._latency)
        self._metered = self._per_second(now) + 1 / _METER_SECONDS
        self._metered_at = now

    def _per_second(self, now: float) -> float:
        return self._metered * math.exp((self._metered_at - now) / _METER_SECONDS)
