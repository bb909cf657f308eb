"""How much may go wrong before a run stops: pure counters that answer with a sentence when it is too much."""

import re
from collections import Counter, deque
from dataclasses import dataclass, field

from readstate.errors import BadInput
from readstate.model.outcome import Outcome
from readstate.model.quantities import Allowance, parse_allowance

SMALLEST_ALLOWANCE = 10
"""A percentage needs a floor, or one bad row would end a run of thirty."""

_FAILED = {Outcome.REJECTED, Outcome.UNKNOWN, Outcome.MISMATCH}
_DRIFTED = {Outcome.DRIFTED, Outcome.SUPERSEDED}

_AMBIGUOUS_OF_LAST = 50
_PATIENCE = re.compile(r"(\d{1,6})\s*,\s*(\d{1,3}(?:\.\d+)?)\s*%")


def parse_budget(text: str) -> Allowance:
    """Read ``50`` as a count and ``2%`` as a share, which allows at least `SMALLEST_ALLOWANCE`. Raises `BadInput`."""
    allowance = parse_allowance(text)
    return Allowance(count=SMALLEST_ALLOWANCE, share=allowance.share) if allowance.share else allowance


@dataclass(slots=True)
class Budgets:
    """Counts the outcomes of one run and says when a budget is spent."""

    max_errors: int
    max_drift: int
    counts: Counter[str] = field(default_factory=Counter)
    stops_on_drift: bool = False

    def note(self, outcome: str) -> None:
        """Count one row's outcome."""
        self.counts[outcome] += 1

    @property
    def errors(self) -> int:
        """Rows that failed; drift is not failure."""
        return sum(self.counts[outcome] for outcome in _FAILED)

    @property
    def drifted(self) -> int:
        """Rows that were no longer as planned."""
        return sum(self.counts[outcome] for outcome in _DRIFTED)

    def exceeded(self) -> str | None:
        """Why the run must stop; None while it may go on."""
        if self.errors > self.max_errors:
            return f"{self.errors} rows failed, and the error budget is {self.max_errors} (--max-errors)"
        if self.stops_on_drift and self.drifted:
            return "a row had drifted (--on-drift stop)"
        if self.drifted > self.max_drift:
            return (
                f"{self.drifted} rows are no longer as the plan saw them, and {self.max_drift} may be (--max-drift): "
                "the plan is stale"
            )
        return None


@dataclass(slots=True)
class Canary:
    """The first rows of a phase: one that fails stops the run."""

    failed: list[int] = field(default_factory=list)
    rows: int = 0

    def note(self, plan_row_id: int, outcome: str) -> None:
        """Look at one row of the canary."""
        self.rows += 1
        if outcome in _FAILED or outcome == Outcome.SUPERSEDED:
            self.failed.append(plan_row_id)

    def verdict(self) -> str | None:
        """Why the run must not go on; None where it may."""
        if not self.failed:
            return None
        named = ", ".join(map(str, self.failed[:5]))
        return f"{len(self.failed)} of the first {self.rows} rows failed (plan_row_id {named}): nothing more was sent"


@dataclass(frozen=True, slots=True)
class Patience:
    """How many writes may get no clear answer before the others are held."""

    in_a_row: int = 5
    share: float = 0.2
    """Of the last 50."""


def parse_patience(text: str) -> Patience:
    """Read a form such as ``5,20%``. Raises `BadInput`."""
    match = _PATIENCE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0 or float(match[2]) > 100:
        raise BadInput(
            f"{text!r} does not say how many writes may get no clear answer",
            hint="Write how many in a row, and which share of the last 50: 5,20%",
        )
    return Patience(int(match[1]), float(match[2]) / 100)


class WriteBreaker:
    """Opens when too many writes get no clear answer: sending on would only pile up doubt."""

    def __init__(self, patience: Patience = Patience()) -> None:
        self._patience = patience
        self.opened_at: float | None = None
        self._in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=_AMBIGUOUS_OF_LAST)

    @property
    def is_open(self) -> bool:
        """Whether nothing may be sent."""
        return self.opened_at is not None

    def note(self, now: float, *, is_ambiguous: bool) -> None:
        """Learn how one write ended."""
        self._in_a_row = self._in_a_row + 1 if is_ambiguous else 0
        self._recent.append(is_ambiguous)
        many = len(self._recent) == _AMBIGUOUS_OF_LAST and sum(self._recent) > self._patience.share * _AMBIGUOUS_OF_LAST
        if self.opened_at is None and (self._in_a_row >= self._patience.in_a_row or many):
            self.opened_at = now

    def close(self) -> None:
        """Let writes through again, and judge only those to come."""
        self.opened_at = None
        self._in_a_row = 0
        self._recent.clear()
