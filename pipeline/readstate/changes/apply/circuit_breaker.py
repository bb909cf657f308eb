"""A circuit breaker over writes: after too many unclear answers, sending more would only pile up unknown outcomes."""

import re
from collections import deque

from msgspec import Struct

from readstate.errors import BadInput

_RECENT_WRITES = 50
_THRESHOLDS = re.compile(r"([0-9]{1,6}), ?([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%")


class BreakerThresholds(Struct, frozen=True):
    """How many writes may get no clear answer before all others are paused."""

    in_a_row: int = 5
    share: float = 0.2
    """Of the last 50."""


def parse_thresholds(text: str) -> BreakerThresholds:
    """Return the thresholds written as ``5,20%``. Raise `BadInput`."""
    match = _THRESHOLDS.fullmatch(text)
    if match is None or int(match[1]) == 0 or float(match[2]) > 100:
        raise BadInput(
            f"{text!r} is not a threshold of unclear answers",
            hint="Write how many in a row, and which share of the last 50: 5,20%",
        )
    return BreakerThresholds(int(match[1]), float(match[2]) / 100)


class WriteBreaker:
    """Opens when too many writes get no clear answer."""

    def __init__(self, thresholds: BreakerThresholds = BreakerThresholds()) -> None:  # noqa: B008 - frozen
        self._thresholds = thresholds
        self.opened_at: float | None = None
        self._in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=_RECENT_WRITES)

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None

    def record(self, now: float, *, is_ambiguous: bool) -> None:
        self._in_a_row = self._in_a_row + 1 if is_ambiguous else 0
        self._recent.append(is_ambiguous)
        # Only a full window counts: otherwise one unclear answer among the first five would be 20 %.
        many = len(self._recent) == _RECENT_WRITES and sum(self._recent) > self._thresholds.share * _RECENT_WRITES
        if self.opened_at is None and (self._in_a_row >= self._thresholds.in_a_row or many):
            self.opened_at = now

    def close(self) -> None:
        """Admit writes again, and count only their answers from now on."""
        self.opened_at = None
        self._in_a_row = 0
        self._recent.clear()
