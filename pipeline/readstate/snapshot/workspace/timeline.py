"""How a run went over time: its requests, and how many of them at once, in windows that stay few in a run of hours.

Windows begin at multiples of their length since 1970, so that those of two shards, or of two starts, fit together.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import groupby
from operator import add
from typing import Protocol

from msgspec import Struct
from msgspec.structs import asdict

from readstate.clock import Clock
from readstate.events import Event, PageReread, RequestAnswered, RequestLost, Retried
from readstate.snapshot.published.manifest import RequestCounts, TimelineWindow

SHORTEST_SECONDS = 10
MOST_WINDOWS = 360
"""An hour of the shortest ones; with more, two become one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RARER = {RequestLost, Retried, PageReread}
_SHORTEST = timedelta(seconds=SHORTEST_SECONDS)

Joined = Callable[[TimelineWindow, TimelineWindow], TimelineWindow]


class ConcurrencySource(Protocol):
    """Reports how many requests are under way."""

    in_flight: int

    @property
    def allowed(self) -> float:
        """Return how many may be under way."""
        ...


class _Window(Struct):
    """The window that is being counted."""

    begins_at: datetime
    ends_at: datetime
    began: float
    ends: float
    """The same by the monotonic clock."""
    requests: int = 0
    throttled: int = 0
    retries: int = 0
    reread_pages: int = 0
    in_flight: int = 0
    allowed: float = 0.0

    def finished(self, seconds: float) -> TimelineWindow:
        return TimelineWindow(
            begins_at=self.begins_at,
            seconds=round(seconds, 3),
            requests=self.requests,
            throttled=self.throttled,
            retries=self.retries,
            reread_pages=self.reread_pages,
            in_flight=self.in_flight,
            allowed=int(max(self.allowed, self.in_flight)),
        )


class Timeline:
    """An observer of requests; belongs to one start of a run."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pace: ConcurrencySource | None = None
        self._closed: list[TimelineWindow] = []
        self._window = _opened(clock.now(), clock.monotonic())

    def watch(self, pace: ConcurrencySource) -> None:
        """Record from now on how many requests of *pace* are under way, and how many may be."""
        self._pace = pace

    def observe(self, event: Event) -> None:
        """Count *event* where it is about a request."""
        if isinstance(event, RequestAnswered):
            window = self._current_window()
            window.requests += 1
            window.throttled += event.status == 429
        elif (kind := type(event)) in _RARER:
            window = self._current_window()
            window.requests += kind is RequestLost
            window.retries += kind is Retried
            window.reread_pages += kind is PageReread

    def added_to(self, earlier: Sequence[TimelineWindow]) -> tuple[TimelineWindow, ...]:
        """Return the windows of *earlier* starts and then those of this one."""
        window, now = self._window, self._clock.monotonic()
        return downsample([*earlier, *self._closed, window.finished(min(now, window.ends) - window.began)])

    def _current_window(self) -> _Window:
        now = self._clock.monotonic()
        if now >= self._window.ends:
            self._close(now)
        window, pace = self._window, self._pace
        if pace is not None:
            # An event comes before its request is counted out, so that no peak is missed.
            window.in_flight = max(window.in_flight, pace.in_flight)
            window.allowed = max(window.allowed, pace.allowed)
        return window

    def _close(self, now: float) -> None:
        """Open the window that contains *now*; windows in which nothing happened are recorded as empty."""
        while (window := self._window).ends <= now:
            self._closed.append(window.finished(window.ends - window.began))
            self._window = _opened(window.ends_at, window.ends)
        if (wall := self._clock.now()) - self._window.begins_at > 2 * _SHORTEST:
            self._window = _opened(wall, now)  # the machine slept: the wall clock went on, the monotonic one did not
        if len(self._closed) > MOST_WINDOWS:
            self._closed = list(downsample(self._closed))


def _opened(at: datetime, now: float) -> _Window:
    ends_at = _EPOCH + ((at - _EPOCH) // _SHORTEST + 1) * _SHORTEST
    return _Window(at, ends_at, now, now + (ends_at - at).total_seconds())


def sum_requests(windows: Iterable[TimelineWindow]) -> RequestCounts:
    """Return what *windows* count together."""
    every = list(windows)
    return RequestCounts(
        requests=sum(window.requests for window in every),
        retries=sum(window.retries for window in every),
        throttled=sum(window.throttled for window in every),
        reread_pages=sum(window.reread_pages for window in every),
    )


def downsample(windows: Sequence[TimelineWindow], *, most: int = MOST_WINDOWS) -> tuple[TimelineWindow, ...]:
    """Return consecutive *windows* as at most *most* windows of equal length."""
    length = _length(windows)
    # Doubled, so that windows of a coarser timeline are unions of those of a finer one.
    while len(fewer := _in_cells(windows, length, concatenate)) > most:
        length *= 2
    return fewer


def sum_timelines(timelines: Iterable[Sequence[TimelineWindow]]) -> tuple[TimelineWindow, ...]:
    """Return one timeline of several processes that ran at the same time, such as shards."""
    several = [windows for windows in timelines if windows]
    length = max(map(_length, several), default=SHORTEST_SECONDS)
    alike = [window for windows in several for window in _in_cells(windows, length, concatenate)]
    return downsample(_in_cells(alike, length, _sum_parallel))


def concatenate(first: TimelineWindow, second: TimelineWindow) -> TimelineWindow:
    """Return two neighbouring windows as one."""
    return _joined(first, second, seconds=round(first.seconds + second.seconds, 3), peak=max)


def _sum_parallel(first: TimelineWindow, second: TimelineWindow) -> TimelineWindow:
    # An upper bound: the peaks need not have fallen together.
    return _joined(first, second, seconds=max(first.seconds, second.seconds), peak=add)


def _joined(
    first: TimelineWindow, second: TimelineWindow, *, seconds: float, peak: Callable[[int, int], int]
) -> TimelineWindow:
    return TimelineWindow(
        begins_at=min(first.begins_at, second.begins_at),
        seconds=seconds,
        in_flight=peak(first.in_flight, second.in_flight),
        allowed=peak(first.allowed, second.allowed),
        **asdict(sum_requests([first, second])),
    )


def _length(windows: Sequence[TimelineWindow]) -> int:
    """Return the shortest allowed length that none of *windows* exceeds."""
    longest = max((window.seconds for window in windows), default=0.0)
    length = SHORTEST_SECONDS
    while length < longest - 0.1:
        length *= 2
    return length


def _in_cells(windows: Iterable[TimelineWindow], length: int, joined: Joined) -> tuple[TimelineWindow, ...]:
    def cell(window: TimelineWindow) -> int:
        return (window.begins_at - _EPOCH) // timedelta(seconds=length)

    ordered = sorted(windows, key=lambda window: window.begins_at)
    return tuple(reduce(joined, alike) for _, alike in groupby(ordered, key=cell))
