"""A level learned from refusals: requests in flight, or requests per second, whose true limit nobody tells."""

import math
from dataclasses import dataclass

_SEARCH_GAIN = 0.5
"""Per acceptance, while no limit has been met: half as much again in each round trip."""
_EARNED_SHARE = 2 / 3
"""What acceptances earn of the budget; the impatience below spends the rest."""
_PATIENCE_SECONDS = 2.0
_IMPATIENCE = 4.0
"""By what the climb multiplies with each further second without a refusal."""
_SILENCE_GAIN = 1.75
"""What each refusal that was earned and did not come counts for, in seconds of impatience."""
_STEEPEST = 0.03
"""Per acceptance: 3 % in a round trip, because its refusals arrive a round trip late."""
_ROUNDS_OF_MEMORY = 8
_PAUSE_BUDGET = 0.01
"""The share of all requests that pauses for ``Retry-After`` may cost."""
_PAUSE_STEP = 0.02
_LARGEST_PAUSE_STEP = 0.25
_HARDLY_EARNED = 0.03


@dataclass(frozen=True, slots=True)
class Standing:
    """What a level knows that others who share its limit should know too."""

    value: float
    """What was learned, without what refusals took away for the moment."""
    quiet_seconds: float
    """Since the last refusal."""
    earned: float
    """Refusals that the acceptances since then would have paid for."""
    lost_to_pauses: float
    searching: bool


class Level:
    """A number between *least* and *most* that hovers where a *budget* of requests (a share) is refused.

    A refusal costs one *step*, and as many acceptances as the budget allows between two refusals earn it back. So the
    refused share is what was asked for wherever the limit lies, and the level stays beside it: no backing off by a
    third, only to climb again. Longer silence than the budget explains means that the limit rose, and speeds the climb.
    """

    def __init__(
        self, value: float, *, least: float, most: float, budget: float, step: float, relative_step: float = 0.0
    ) -> None:
        self.value = value
        """The level in force: what has been learned, less what refusals took away for the moment."""
        self.searching = False
        """True until the first refusal, for a level that begins far below its limit."""
        self.share = 1.0
        """Which part of the account's level this is, where several processes share one."""
        self.most = most
        self.ceiling = math.inf
        """What binds besides *most* while nobody knows what the others do, whatever a person allows meanwhile."""
        self._least = least
        self._budget = budget
        self._step = step
        self._relative_step = relative_step
        self._learned = value
        self._dip = 0.0
        self._earned = 0.0
        self._refused_at = 0.0
        self._deaf_until = 0.0
        self._lost_to_pauses = 0.0
        self._pause_step = _PAUSE_STEP

    def accepted(self, now: float) -> None:
        """Climb: a request was admitted while this level was what held the others back."""
        if self.value < self.share:
            # Somebody is let in again after nobody was: what was learned before is of no use.
            self.search(now, self.value)
        self._dip -= self._dip / (_ROUNDS_OF_MEMORY * max(1.0, self.value))
        climb = _SEARCH_GAIN if self.searching else min(_STEEPEST, self._climb(now))
        self._set(self._learned + climb, self._dip)

    def refused(self, now: float, *, sent_at: float, lost_to_pause: float = 0.0) -> None:
        """Step down: a request sent at *sent_at* was one too many, and *lost_to_pause* more must wait because of it."""
        if sent_at < self._deaf_until:
            return
        if lost_to_pause:
            # Refused again at once, after a pause: the level is far too high, and small steps would cost many pauses.
            again = self._earned < _HARDLY_EARNED
            self._pause_step = min(_LARGEST_PAUSE_STEP, 2 * self._pause_step) if again else _PAUSE_STEP
            known = self._lost_to_pauses or lost_to_pause
            self._lost_to_pauses = 0.8 * known + 0.2 * lost_to_pause
            # All that was under way when the pause began speaks of the same moment.
            self._deaf_until = now
        self.searching = False
        self._earned = 0.0
        self._refused_at = now
        # One too many, so one less: a step of it for good, the rest for a few rounds, because many refusals at once
        # are more often somebody's passing wave than a limit that fell.
        step = self._next_step()
        self._set(self._learned - step, self._dip + min(max(0.0, 1 - step), self.value / 4))

    def settle(self, now: float, value: float, *, lost_to_pause: float = 0.0) -> None:
        """Begin anew at *value*; what was sent before says nothing about it."""
        self.searching = False
        self._earned = 0.0
        self._refused_at = self._deaf_until = now
        self._lost_to_pauses = lost_to_pause
        self._set(value)

    def search(self, now: float, value: float) -> None:
        """Begin anew at *value*, and climb fast until something is refused."""
        self.settle(now, value, lost_to_pause=self._lost_to_pauses)
        self.searching = True

    def standing(self, now: float) -> Standing:
        """Say what others should know."""
        return Standing(self._learned, now - self._refused_at, self._earned, self._lost_to_pauses, self.searching)

    def adopt(self, now: float, standing: Standing, *, share: float, deaf: bool) -> None:
        """Go on from what all together know; *deaf* where what is under way already speaks of a pause that began."""
        self.share = share
        self.searching = standing.searching
        self._refused_at = now - standing.quiet_seconds
        self._earned = standing.earned
        self._lost_to_pauses = standing.lost_to_pauses
        if deaf:
            self._deaf_until = now
        self._set(standing.value, self._dip)

    def _set(self, learned: float, dip: float = 0.0) -> None:
        self._learned = min(self.most, self.ceiling, max(self._least, learned))
        self.value = max(self._least, self._learned - dip)
        self._dip = self._learned - self.value

    def _climb(self, now: float) -> float:
        if self._lost_to_pauses:
            # Each refusal also costs a pause of everybody, so far fewer can be afforded.
            budget = min(self._budget, _PAUSE_BUDGET / (1 + self._lost_to_pauses))
            step = max(1.0, _PAUSE_STEP * self.value / self.share)
            overdue = 10 * (self._earned - 0.2)
        else:
            budget, step = self._budget, self._next_step()
            # Both must be long: on a slow account two seconds hold too few requests to prove anything.
            overdue = min(now - self._refused_at - _PATIENCE_SECONDS, _SILENCE_GAIN * (self._earned - 2))
        self._earned += budget
        impatience = _IMPATIENCE ** min(overdue, 10.0) if overdue > 0 else 1.0
        return _EARNED_SHARE * step * budget * impatience

    def _next_step(self) -> float:
        if self._lost_to_pauses:
            step = max(1.0, self._pause_step * self.value / self.share)
        else:
            step = max(self._step, self._relative_step * self.value / self.share)
        # Below four, steps shrink with the level, so that it nears zero without reaching it.
        return min(step, self.value / 4)
