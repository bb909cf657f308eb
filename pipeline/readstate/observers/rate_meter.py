"""Rates over the last half minute: neither nervous nor out of date."""

from collections import deque
from typing import NamedTuple

KEPT_SECONDS = 30.0
PATIENCE_SECONDS = 3.0
"""After this long without a success, its reason is worth showing."""


class Sample(NamedTuple):
    """Counts at one moment."""

    at: float
    requests: int
    accepted: int
    done: int
    """Pages, users, or rows of a plan, that this start has finished."""
    roster_pages: int = 0


class RateMeter:
    """Keeps the samples of the last half minute; the first sample is taken before any rate is asked for."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def add(self, sample: Sample) -> None:
        """Keep *sample*, and drop those that are too old."""
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.at - self._samples[1].at >= KEPT_SECONDS:
            self._samples.popleft()

    @property
    def latest_at(self) -> float:
        """The moment of the latest sample."""
        return self._samples[-1].at

    def requests_per_second(self) -> float:
        """Return the rate of requests; 0 at the first sample."""
        return self._rate(self._samples[-1].requests - self._samples[0].requests)

    def seconds_left(self, left: int, roster_pages_left: int = 0) -> float | None:
        """Return how long *left* pages, users or rows, and the list of users, will take at the current rates.

        None where nothing moves.
        """
        first, last = self._samples[0], self._samples[-1]
        times = (
            self._seconds(left, last.done - first.done),
            self._seconds(roster_pages_left, last.roster_pages - first.roster_pages),
        )
        return None if None in times else max(time for time in times if time is not None)

    def _seconds(self, left: int, moved: int) -> float | None:
        if left <= 0:
            return 0.0
        rate = self._rate(moved)
        return left / rate if rate > 0 else None

    def has_recent_success(self) -> bool:
        """Return whether a request was accepted recently, or there was no time for one yet."""
        now = self._samples[-1]
        earlier = [sample for sample in self._samples if now.at - sample.at >= PATIENCE_SECONDS]
        return not earlier or now.accepted > earlier[-1].accepted

    def _rate(self, count: int) -> float:
        seconds = self._samples[-1].at - self._samples[0].at
        return count / seconds if seconds > 0 else 0.0
