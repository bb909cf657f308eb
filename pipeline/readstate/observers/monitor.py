"""Brings a run and those who show it together: one count, one look at the clock, many onlookers."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from readstate.clock import Clock
from readstate.events import Event
from readstate.observers.event_log import RunLog, Write
from readstate.observers.progress_figures import Figures, PaceFigures, Sample, Speedometer, figures
from readstate.observers.run_counters import RunTally
from readstate.settings import Settings

if TYPE_CHECKING:
    from readstate.observers.metrics_file import MetricsFile
    from readstate.observers.progress_bar import ProgressBar

_SECONDS_BETWEEN_LOOKS = 0.25


class Paced(Protocol):
    """Whatever can tell how fast the run may go."""

    def view(self, now: float) -> PaceFigures:
        """What a person may want to see at *now*."""
        ...


class Onlooker(Protocol):
    """Shows a run to somebody."""

    def look(self, now: Figures) -> None:
        """Take note of how things stand; called a few times a second."""
        ...

    def close(self) -> None:
        """Show what is left to show."""
        ...


class Watch:
    """Counts a run's events, has those worth a line written down, and lets the onlookers look from time to time."""

    def __init__(self, tally: RunTally, log: RunLog, *, clock: Clock) -> None:
        self.tally = tally
        self._log = log
        self._clock = clock
        self._onlookers: list[Onlooker] = [log]
        self._metrics: MetricsFile | None = None
        self._pace: Paced | None = None
        self._speedometer = Speedometer()
        self._began = clock.monotonic()
        self.look()

    def emit(self, event: Event) -> None:
        """Be the observer of the run."""
        self.tally.observe(event)
        self._log.observe(event)

    def watch(self, pace: Paced) -> None:
        """Show *pace* too."""
        self._pace = pace

    def show_to(self, onlooker: Onlooker) -> None:
        """Let *onlooker* look too."""
        self._onlookers.append(onlooker)

    def write_metrics(self, path: Path, *, command: str) -> None:
        """Write metrics to *path* from now on. Raises `LocalDisk`."""
        from readstate.observers.metrics_file import MetricsFile

        self._metrics = MetricsFile(path, command=command, tally=self.tally, clock=self._clock, emit=self._log.observe)
        self._metrics.start()
        self.show_to(self._metrics)

    def succeeded(self) -> None:
        """Say that the run has reached its end."""
        if self._metrics is not None:
            self._metrics.succeeded()

    def look(self) -> None:
        """Let every onlooker see how things stand now."""
        now = self._clock.monotonic()
        samples = self._speedometer.add(Sample(now, self.tally.requests, self.tally.accepted, self.tally.done_now))
        pace = None if self._pace is None else self._pace.view(now)
        current = figures(self.tally, pace, samples, began=self._began)
        for onlooker in self._onlookers:
            onlooker.look(current)

    def close(self) -> None:
        """Look for the last time."""
        self.look()
        for onlooker in self._onlookers:
            onlooker.close()


@contextmanager
def watching(
    settings: Settings,
    *,
    command: str,
    clock: Clock,
    stream: TextIO | None = None,
    every: float = _SECONDS_BETWEEN_LOOKS,
) -> Iterator[Watch]:
    """Show the run in this block on *stream* (stderr) and in the metrics file, as *settings* say.

    A terminal gets a progress bar with the lines above it, anything else the lines and each 30 seconds the figures.
    Belongs inside a running event loop, which does the looking. Raises `LocalDisk`.
    """
    stream = sys.stderr if stream is None else stream
    bar = _bar(stream, command) if _can_draw(stream) and settings.log_format == "text" else None
    log = RunLog(
        bar.write if bar else _lines_to(stream), clock=clock, log_format=settings.log_format, tells_figures=bar is None
    )
    watch = Watch(RunTally(), log, clock=clock)
    if bar:
        watch.show_to(bar)
    looking = _Repeating(watch.look, every=every)
    try:
        if settings.metrics_file:
            watch.write_metrics(Path(settings.metrics_file), command=command)
        yield watch
    finally:
        looking.stop()
        watch.close()


def _can_draw(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def _bar(stream: TextIO, verb: str) -> "ProgressBar":
    from readstate.observers.progress_bar import ProgressBar

    return ProgressBar(stream, verb=verb)


class _Repeating:
    """Does *action* again and again on the running loop, without a task."""

    def __init__(self, action: Callable[[], None], *, every: float) -> None:
        self._action = action
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(every, self._go)

    def stop(self) -> None:
        self._timer.cancel()

    def _go(self) -> None:
        self._timer = self._loop.call_later(self._every, self._go)
        self._action()


def _lines_to(stream: TextIO) -> Write:
    def write(line: str) -> None:
        # A run is worth more than its story: who listened may have gone.
        with suppress(BrokenPipeError):
            stream.write(line + "\n")
            stream.flush()

    return write
