"""Watches the simulator's counters while something runs, and says what was answered when."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.benchmarks.measured import tell

Result = TypeVar("Result")
_LOOKS_A_SECOND = 20


@dataclass(slots=True)
class Watched:
    """Moments, and what had been answered by then."""

    times: list[float] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    user_pages: list[int] = field(default_factory=list)
    refusals: int = 0

    def look(self, base_url: str) -> None:
        counters = tell(base_url, "counters")
        good = [(each["path"], each["count"]) for each in counters["answers"] if each["status"] == 200]
        self.times.append(time.monotonic())
        self.answers.append(sum(count for _, count in good))
        self.user_pages.append(sum(count for path, count in good if path.endswith("/Users")))
        self.refusals = sum(counters["refusals"].values())

    def when(self, series: list[int], share: float) -> float:
        """Return when that *share* of the end of *series* was reached."""
        wanted = max(1, share * series[-1])
        return next(at for at, count in zip(self.times, series, strict=True) if count >= wanted)

    def seconds(self) -> float:
        """From the first answer to the last."""
        return self.when(self.answers, 1) - self.when(self.answers, 0)

    def rate(self, begin: float, end: float) -> float:
        """Answers a second between two shares of all answers."""
        first, last = (self.when(self.answers, share) for share in (begin, end))
        counts = dict(zip(self.times, self.answers, strict=True))
        return (counts[last] - counts[first]) / (last - first)


def watching(base_url: str, work: Callable[[], Result]) -> tuple[Result, Watched]:
    """Do *work* with fresh counters, and watch them."""
    tell(base_url, "counters", "DELETE")
    watched, done = Watched(), threading.Event()

    def look() -> None:
        while not done.wait(1 / _LOOKS_A_SECOND):
            watched.look(base_url)
        watched.look(base_url)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        return work(), watched
    finally:
        done.set()
        thread.join()
