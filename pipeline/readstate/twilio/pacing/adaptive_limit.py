"""A limit that Twilio does not publish, learned from refusals: requests in flight, or requests per second."""

import math

from msgspec import Struct

_SLOW_START_GAIN = 0.5
"""Per acceptance, while no limit has been met: half as much again in each round trip."""
_EARNED_SHARE = 2 / 3
"""What acceptances earn of the budget; the accelerated growth below spends the rest."""
_PATIENCE_SECONDS = 2.0
_GROWTH_PER_SECOND = 4.0
"""By what the increase is multiplied with each second beyond the patience."""
_SECONDS_PER_MISSED_REFUSAL = 1.75
"""How many seconds of patience each refusal stands for that the budget had paid for and that did not come."""
_LARGEST_INCREASE = 0.03
"""Per acceptance: 3 % in a round trip, because its refusals arrive a round trip late."""
_ROUNDS_OF_MEMORY = 8


class LimitState(Struct, frozen=True):
    """What a limit has learned, as far as other processes under the same limit need it."""

    value: float
    """The learned limit, without the temporary drop."""
    quiet_seconds: float
    """Since the last refusal."""
    credit: float
    """Refusals that the acceptances since then have paid for."""
    slow_start: bool


class AdaptiveLimit:
    """A number between *least* and *most* at which a share *budget* of the requests is refused.

    This is constant-step stochastic approximation (Robbins-Monro): a refusal lowers the limit by *step*, and each
    acceptance raises it by a fraction of *step* such that both balance where the budget is met. Unlike AIMD it does
    not fall by a third at each refusal only to climb again. Longer silence than the budget explains means that the
    account's limit rose, and accelerates the increase.
    """

    def __init__(
        self, value: float, *, least: float, most: float, budget: float, step: float, relative_step: float = 0.0
    ) -> None:
        self.value = value
        """The limit in force: the learned one, less the temporary drop."""
        self.slow_start = False
        """True until the first refusal, for a limit that begins far below the account's."""
        self.share = 1.0
        """Which part of the account's limit this is, where several processes share it."""
        self.most = most
        self.ceiling = math.inf
        """An upper bound besides *most*, while the ledger that the processes share cannot be reached."""
        self._least = least
        self._budget = budget
        self._step = step
        self._relative_step = relative_step
        self._learned = value
        self._temporary_drop = 0.0
        self._credit = 0.0
        self._refused_at = 0.0
        self._ignore_before = 0.0

    def accepted(self, now: float) -> None:
        """Increase: a request was admitted while this limit held others back."""
        if self.value < self.share:
            # A request got through after all were refused: what was learned before no longer applies.
            self.search(now, self.value)
        self._temporary_drop -= self._temporary_drop / (_ROUNDS_OF_MEMORY * max(1.0, self.value))
        increase = _SLOW_START_GAIN if self.slow_start else min(_LARGEST_INCREASE, self._increase(now))
        self._set(self._learned + increase, self._temporary_drop)

    def refused(self, now: float, *, sent_at: float) -> None:
        """Decrease: a request sent at *sent_at* was refused (429)."""
        if sent_at < self._ignore_before:
            return
        self.slow_start = False
        self._credit = 0.0
        self._refused_at = now
        # A 429 lowers the limit by `step` for good and by `1 - step` for about eight round trips: bursts of 429s
        # usually come from other traffic, not from a lower cap.
        step = self._next_step()
        self._set(self._learned - step, self._temporary_drop + min(max(0.0, 1 - step), self.value / 4))

    def reset(self, now: float, value: float) -> None:
        """Begin anew at *value*; refusals of requests sent before *now* are ignored."""
        self.slow_start = False
        self._credit = 0.0
        self._refused_at = self._ignore_before = now
        self._set(value)

    def search(self, now: float, value: float) -> None:
        """Begin anew at *value*, in slow start."""
        self.reset(now, value)
        self.slow_start = True

    def state(self, now: float) -> LimitState:
        """Return what other processes need to know."""
        return LimitState(self._learned, now - self._refused_at, self._credit, self.slow_start)

    def restore(self, now: float, state: LimitState, *, share: float) -> None:
        """Continue from *state*, what all processes together have learned."""
        self.share = share
        self.slow_start = state.slow_start
        self._refused_at = now - state.quiet_seconds
        self._credit = state.credit
        self._set(state.value, self._temporary_drop)

    def _set(self, learned: float, temporary_drop: float = 0.0) -> None:
        self._learned = min(self.most, self.ceiling, max(self._least, learned))
        self.value = max(self._least, self._learned - temporary_drop)
        self._temporary_drop = self._learned - self.value

    def _increase(self, now: float) -> float:
        # Both must be long: on a slow account two seconds hold too few requests to prove anything.
        overdue = min(now - self._refused_at - _PATIENCE_SECONDS, _SECONDS_PER_MISSED_REFUSAL * (self._credit - 2))
        self._credit += self._budget
        growth = _GROWTH_PER_SECOND ** min(overdue, 10.0) if overdue > 0 else 1.0
        return _EARNED_SHARE * self._next_step() * self._budget * growth

    def _next_step(self) -> float:
        step = max(self._step, self._relative_step * self.value / self.share)
        # Below four, steps shrink with the limit, so that it nears zero without reaching it.
        return min(step, self.value / 4)
