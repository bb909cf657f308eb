"""A limiter that shares its account with other processes: reports what it learned, and keeps to its share."""

import math
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from readstate.events import Event
from readstate.twilio.pacing.adaptive_limit import AdaptiveLimit, LimitState
from readstate.twilio.pacing.limiter import AdaptiveLimiter
from readstate.twilio.pacing.pacer import Pacer
from readstate.twilio.shared_pace.ledger import WINDOW, LimitReport, LimitShare, MemberReport, TurnResult

_READS = "reads"
_ACCOUNT = "account"
_UNLIMITED = 1e9
"""Requests per second; JSON has no infinity."""
_WINDOW_ALONE = 10.0
_SHARE_ALONE = 0.1
"""What a process allows itself that never reached the ledger: as if ten shared an account of a hundred."""
_HEADROOM = 1.25
_IDLE_NEED = 1.0
_LEAST_CEILING = 0.1
_NEW_PAUSE_SECONDS = 0.1
_SINCE_OTHERS_TURN = 0.5
_LEAST_SHARE = 0.001


class _Held(Struct):
    """One of our limits as the ledger knows it."""

    limit: AdaptiveLimit
    base: float
    """The share of the last turn; what the limit is above that, it has learned since."""
    credit: float
    reported: LimitState


class SharedMember:
    """Connects *limiter* with the ledger: call `report`, let the ledger take the turn, then `apply` its result."""

    def __init__(self, limiter: AdaptiveLimiter, member: str) -> None:
        self._limiter = limiter
        self._member = member
        self._epoch: str | None = None
        self._held: dict[str, _Held] = {}
        self._reported_at = -math.inf
        self._demand = float(limiter.settings.max_in_flight)
        self._frozen: set[str] = set()
        self._reported_pauses: dict[str, float] = {}

    def has_news(self) -> bool:
        """Return whether the others should learn something at once: a limit met for the first time, a pause."""
        return not self._limits().keys() <= self._held.keys() or any(
            pacer.paused_until > self._reported_pauses.get(name, 0.0) + _NEW_PAUSE_SECONDS
            for name, pacer in self._pacers().items()
        )

    def report(self, now: float) -> MemberReport:
        """Return what was learned since the last turn, and what could be used."""
        # Let demand fall by at most half a turn, so that one idle sample does not give our share away.
        self._demand = max(float(self._limiter.in_flight + self._limiter.waiting), self._demand / 2)
        limits = {name: self._limit_report(now, name, limit) for name, limit in self._limits().items()}
        self._reported_at = now
        self._reported_pauses = {name: pacer.paused_until for name, pacer in self._pacers().items()}
        pauses = {name: until - now for name, until in self._reported_pauses.items() if until > now}
        return MemberReport(self._member, self._epoch, self._limiter.circuit_breaker.is_open, limits, pauses)

    def apply(self, now: float, result: TurnResult, *, chance: float) -> Sequence[Event]:
        """Continue with the shares of *result*; what was learned while the turn was taken is kept."""
        self._epoch = result.epoch
        self._unfreeze()
        for name, seconds in result.pauses.items():
            self._pause(name, now + seconds)
        for name, share in result.shares.items():
            self._apply_share(now, name, share)
        self._limiter.reschedule(now)
        reads = self._limiter.pacers[None]
        if _READS in result.limits and reads.rate is None:
            self._limiter.start_rate_limit(now, reads)
        return self._limiter.join_outage(now, chance=chance) if result.in_outage else ()

    def freeze(self, now: float) -> None:
        """Keep to the last share and never climb above it, because the ledger cannot be reached."""
        for name, limit in self._limits().items():
            if name not in self._frozen:
                self._frozen.add(name)
                limit.ceiling = max(_LEAST_CEILING, self._share_alone(name, limit))
                slow_start = limit.slow_start and self._epoch is None
                share = limit.share if self._epoch is not None else _SHARE_ALONE
                limit.restore(now, replace(limit.state(now), slow_start=slow_start), share=share)

    def _unfreeze(self) -> None:
        self._frozen.clear()
        for limit in self._limits().values():
            limit.ceiling = math.inf

    def _limits(self) -> dict[str, AdaptiveLimit]:
        pacers = self._limiter.pacers.items()
        return {WINDOW: self._limiter.window} | {
            domain or _READS: pacer.rate for domain, pacer in pacers if pacer.rate is not None
        }

    def _pacers(self) -> dict[str, Pacer]:
        return {_ACCOUNT: self._limiter.account} | {
            domain or _READS: pacer for domain, pacer in self._limiter.pacers.items()
        }

    def _pause(self, name: str, until: float) -> None:
        pacer = self._pacers().get(name)
        if pacer is not None and until > pacer.paused_until + _NEW_PAUSE_SECONDS:
            pacer.pause_until(until)
            self._reported_pauses[name] = pacer.paused_until

    def _limit_report(self, now: float, name: str, limit: AdaptiveLimit) -> LimitReport:
        state = limit.state(now)
        held = self._held.get(name)
        if held is None:
            held = self._held[name] = _Held(limit, state.value, 0.0, state)
        held.reported = state
        refused = state.quiet_seconds < now - self._reported_at
        return LimitReport(
            state=state if refused else replace(state, credit=state.credit - held.credit),
            learned=state.value - held.base,
            presumed=self._presumed(name, state),
            need=self._need(now, name, limit),
            most=self._most(name),
            refused=refused,
        )

    def _apply_share(self, now: float, name: str, share: LimitShare) -> None:
        held = self._held[name]
        mine, before, together = held.limit.state(now), held.reported, share.state
        since = now - self._reported_at
        meanwhile = mine.value - before.value
        state = LimitState(
            value=together.value + meanwhile,
            # What the others met since their last turns is not known yet: the account was quiet for less long.
            quiet_seconds=together.quiet_seconds + since - (_SINCE_OTHERS_TURN if share.is_shared else 0.0),
            credit=together.credit + mine.credit - before.credit,
            slow_start=together.slow_start and mine.slow_start,
        )
        if mine.quiet_seconds < since:  # refused while the turn was taken
            state = replace(mine, value=state.value)
        held.limit.most = self._most(name)
        part = max(state.value, _LEAST_SHARE) / share.account_value
        held.limit.restore(now, state, share=min(1.0, part))
        held.base = held.limit.state(now).value - meanwhile
        held.credit = together.credit

    def _share_alone(self, name: str, limit: AdaptiveLimit) -> float:
        if name in self._held and self._epoch is not None:
            return self._held[name].base
        return _WINDOW_ALONE if name == WINDOW else limit.value

    def _most(self, name: str) -> float:
        if name == WINDOW:
            return float(self._limiter.settings.max_in_flight)
        return _UNLIMITED if name == _READS else self._limiter.settings.writes_per_second

    def _presumed(self, name: str, state: LimitState) -> float:
        share = 1.0 if name == WINDOW else self._limiter.window.share
        return min(state.value / share, self._most(name))

    def _need(self, now: float, name: str, limit: AdaptiveLimit) -> float:
        if name == WINDOW:
            return _IDLE_NEED if self._limiter.circuit_breaker.is_open else _HEADROOM * self._demand + 1
        pacer = self._pacers()[name]
        if pacer.is_idle(now):
            return _IDLE_NEED
        return self._most(name) if pacer.is_binding else limit.value
