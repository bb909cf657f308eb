"""How long requests take, and from that how many rows to have under way."""

from math import ceil

from readstate.clock import Clock
from readstate.events import Event, RequestAnswered

_MEMORY = 0.1
_MIN_ROWS = 4
_HEADROOM = 1.1
_OVERHEAD_SECONDS = 0.01


class LatencyMeter:
    """Observes requests: how long they take, and since when all of them are refused with 429."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds = {True: 0.0, False: 0.0}
        self._answers = {True: 0, False: 0}
        self._throttled_since: float | None = None

    def observe(self, event: Event) -> None:
        """Record an answer; ignore all other events."""
        if not isinstance(event, RequestAnswered):
            return
        if event.status == 429:
            self._throttled_since = self._throttled_since or self._clock.monotonic()
            return
        self._throttled_since = None
        is_read = event.method == "GET"
        self._answers[is_read] += 1
        # The mean of the first answers, then a moving average: the first slow connection does not count for long.
        weight = max(_MEMORY, 1 / self._answers[is_read])
        self._seconds[is_read] += weight * (event.seconds - self._seconds[is_read])

    def seconds_per_row(self) -> float:
        """Return how long the read and the write of a row take together: moving averages."""
        return sum(self._seconds.values())

    def throttled_seconds(self) -> float:
        """Return for how long every answer was a 429."""
        return 0.0 if self._throttled_since is None else self._clock.monotonic() - self._throttled_since


def parallel_rows(writes_per_second: float, seconds_per_row: float, *, maximum: int) -> int:
    """Return how many rows keep the writes at their rate without queueing between their read and their write.

    Rows that queue there are read long before they are written, and others may change them in that time. With a fixed
    number of rows (40 at 30 writes a second) the median of that time was 1.8 s instead of 0.18 s.
    """
    wanted = ceil(_HEADROOM * writes_per_second * (seconds_per_row + _OVERHEAD_SECONDS)) + 1
    return min(maximum, max(_MIN_ROWS, wanted))
