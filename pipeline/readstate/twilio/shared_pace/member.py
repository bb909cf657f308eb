"""A pace that shares its account with others: says what it learned, and lives with the part that it is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from readstate.events import Event
from readstate.twilio.pacing.adaptive_limit import Level, Standing
from readstate.twilio.pacing.limiter import Pace, PaceSettings
from readstate.twilio.pacing.limits import limit
from readstate.twilio.pacing.pacer import Lane
from readstate.twilio.shared_pace.ledger import WINDOW, Adopted, Claim, Given, Report

_READS = "reads"
_ACCOUNT = "account"
_UNLIMITED = 1e9
"""Requests per second; JSON has no infinity."""
_WINDOW_ALONE = 10.0
_SHARE_ALONE = 0.1
"""What a process allows itself that never met the others: as if ten shared an account of a hundred."""
_HEADROOM = 1.25
_IDLE_NEED = 1.0
_LEAST_CEILING = 0.1
_NEW_GATE_SECONDS = 0.1
_SINCE_OTHERS_TURN = 0.5
_LEAST_SHARE = 0.001


@dataclass(slots=True)
class _Held:
    """A level of ours as the others know it."""

    level: Level
    base: float
    """What it was given; what it is above that, it has learned since."""
    earned: float
    reported: Standing


class Partner:
    """Stands between *pace* and the ledger. `report`, let the ledger take its turn, then `adopt`."""

    def __init__(self, pace: Pace, member: str) -> None:
        self._pace = pace
        self._member = member
        self._epoch: str | None = None
        self._held: dict[str, _Held] = {}
        self._reported_at = -math.inf
        self._demand = float(pace.settings.max_in_flight)
        self._frozen: set[str] = set()
        self._lost_with: PaceSettings | None = None
        """What a person allowed when the others were lost; None again once they have been back for a turn."""
        self._gates_told: dict[str, float] = {}

    def has_news(self) -> bool:
        """Whether the others should hear of something at once: a limit met for the first time, a pause."""
        return not self._levels().keys() <= self._held.keys() or any(
            lane.gate > self._gates_told.get(name, 0.0) + _NEW_GATE_SECONDS for name, lane in self._gates().items()
        )

    def report(self, now: float) -> Report:
        """Say what was learned since the last turn, and what could be used."""
        # Half of the last demand, because this moment may be an unlucky one to look.
        self._demand = max(float(self._pace.in_flight + self._pace.waiting), self._demand / 2)
        claims = {name: self._claim(now, name, level) for name, level in self._levels().items()}
        self._reported_at = now
        self._gates_told = {name: lane.gate for name, lane in self._gates().items()}
        gates = {name: lane.gate - now for name, lane in self._gates().items() if lane.gate > now}
        return Report(self._member, self._epoch, self._pace.breaker.is_open, claims, gates)

    def adopt(self, now: float, adopted: Adopted, *, chance: float) -> Sequence[Event]:
        """Go on with what was given; what was learned while the turn was taken is kept."""
        self._epoch = adopted.epoch
        others_are_back = not self._frozen
        self._thaw()
        closed = {name for name, seconds in adopted.gates.items() if self._close(name, now + seconds)}
        for name, given in adopted.given.items():
            gate = _ACCOUNT if name == WINDOW else name
            self._take(now, name, given, deaf=gate in closed)
        if others_are_back:
            self._do_as_told_meanwhile(now)
        self._pace.hasten(now)
        reads = self._pace.lanes[None]
        if _READS in adopted.limits and reads.rate is None:
            self._pace.meet_rate(now, reads)
        return self._pace.join_outage(now, chance=chance) if adopted.in_outage else ()

    def stand_alone(self, now: float) -> None:
        """Nobody knows what the others do: keep to the last part, and never climb above it."""
        self._lost_with = self._lost_with or self._pace.settings
        for name, level in self._levels().items():
            if name not in self._frozen:
                self._frozen.add(name)
                level.ceiling = max(_LEAST_CEILING, self._part(name, level))
                searching = level.searching and self._epoch is None
                share = level.share if self._epoch is not None else _SHARE_ALONE
                level.adopt(now, replace(level.standing(now), searching=searching), share=share, deaf=False)
        self._pace.new_lane_ceiling = self._lost_with.writes_per_second * self._pace.window.share

    def _thaw(self) -> None:
        """Let every level climb again."""
        self._frozen.clear()
        self._pace.new_lane_ceiling = math.inf
        for level in self._levels().values():
            level.ceiling = math.inf

    def _do_as_told_meanwhile(self, now: float) -> None:
        """Keep to what a person allowed while nobody knew what the others do; they are a turn behind us."""
        told, self._lost_with = self._lost_with, None
        allowed = self._pace.settings
        if told is not None and told != allowed:
            limit(self._pace, now, max_in_flight=allowed.max_in_flight, writes_per_second=allowed.writes_per_second)

    def _levels(self) -> dict[str, Level]:
        rates = {domain or _READS: lane.rate for domain, lane in self._pace.lanes.items() if lane.rate is not None}
        return {WINDOW: self._pace.window, **rates}

    def _gates(self) -> dict[str, Lane]:
        lanes = {domain or _READS: lane for domain, lane in self._pace.lanes.items()}
        return {_ACCOUNT: self._pace.account, **lanes}

    def _close(self, name: str, until: float) -> bool:
        """Close the gate *name* until then; True where that is news."""
        lane = self._gates().get(name)
        if lane is None or until <= lane.gate + _NEW_GATE_SECONDS:
            return False
        lane.hold_until(until)
        self._gates_told[name] = lane.gate
        return True

    def _claim(self, now: float, name: str, level: Level) -> Claim:
        standing = level.standing(now)
        held = self._held.get(name)
        if held is None:
            held = self._held[name] = _Held(level, standing.value, 0.0, standing)
        held.reported = standing
        refused = standing.quiet_seconds < now - self._reported_at
        return Claim(
            standing=standing if refused else replace(standing, earned=standing.earned - held.earned),
            learned=standing.value - held.base,
            presumed=self._presumed(name, standing),
            need=self._need(now, name, level),
            most=self._most(name),
            refused=refused,
        )

    def _take(self, now: float, name: str, given: Given, *, deaf: bool) -> None:
        held = self._held[name]
        mine, before, together = held.level.standing(now), held.reported, given.standing
        since = now - self._reported_at
        meanwhile = mine.value - before.value
        standing = Standing(
            value=together.value + meanwhile,
            # What the others met since their last turns is not known yet: the account was quiet for less long.
            quiet_seconds=together.quiet_seconds + since - (_SINCE_OTHERS_TURN if given.is_shared else 0.0),
            earned=together.earned + mine.earned - before.earned,
            lost_to_pauses=together.lost_to_pauses,
            searching=together.searching and mine.searching,
        )
        if mine.quiet_seconds < since:  # refused while the turn was taken
            standing = replace(mine, value=standing.value)
        held.level.most = self._most(name)
        share = max(standing.value, _LEAST_SHARE) / given.level
        held.level.adopt(now, standing, share=min(1.0, share), deaf=deaf)
        held.base = held.level.standing(now).value - meanwhile
        held.earned = together.earned

    def _part(self, name: str, level: Level) -> float:
        """What this process allows itself while it is alone."""
        if name in self._held and self._epoch is not None:
            return self._held[name].base
        return _WINDOW_ALONE if name == WINDOW else level.value

    def _most(self, name: str) -> float:
        if name == WINDOW:
            return float(self._pace.settings.max_in_flight)
        return _UNLIMITED if name == _READS else self._pace.settings.writes_per_second

    def _presumed(self, name: str, standing: Standing) -> float:
        share = 1.0 if name == WINDOW else self._pace.window.share
        return min(standing.value / share, self._most(name))

    def _need(self, now: float, name: str, level: Level) -> float:
        if name == WINDOW:
            return _IDLE_NEED if self._pace.breaker.is_open else _HEADROOM * self._demand + 1
        lane = self._gates()[name]
        if lane.is_idle(now):
            return _IDLE_NEED
        return self._most(name) if lane.is_binding else level.value
