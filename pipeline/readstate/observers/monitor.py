"""Connects a run to its displays: one set of counters, one timer, any number of displays."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from readstate.clock import Clock
from readstate.concurrency import WorkerThread
from readstate.disk.files import open_log
from readstate.events import Event
from readstate.observers.event_log import EventLog, Write
from readstate.observers.progress import Progress, measure
from readstate.observers.rate_meter import RateMeter, Sample
from readstate.observers.run_counters import RunCounters
from readstate.observers.watchdog import Watchdog
from readstate.settings.settings import Settings
from readstate.twilio.pacing.limiter import AdaptiveLimiter

if TYPE_CHECKING:
    from readstate.observers.metrics_file import MetricsFile
    from readstate.observers.progress_bar import ProgressBar

_SECONDS_BETWEEN_UPDATES = 0.25


class Display(Protocol):
    """Shows the progress of a run."""

    def update(self, now: Progress) -> None:
        """Show *now*; called a few times a second."""
        ...

    def close(self) -> None:
        """Show what has not been shown yet."""
        ...


class Monitor:
    """Counts a run's events, logs those worth a line, and updates the displays."""

    def __init__(self, counters: RunCounters, *logs: EventLog, clock: Clock) -> None:
        self.counters = counters
        self._logs = logs
        self._clock = clock
        self._displays: list[Display] = [*logs]
        self._metrics: MetricsFile | None = None
        self._limiter: AdaptiveLimiter | None = None
        self._rates = RateMeter()
        self._began = clock.monotonic()
        self._watchdog = Watchdog(self._began)
        self.update_displays()

    def emit(self, event: Event) -> None:
        """Count and log *event*: the observer of the run."""
        self.counters.observe(event)
        self._watchdog.observe(event, self._clock.monotonic())
        for log in self._logs:
            log.observe(event)

    def _write_log(self, event: Event) -> None:
        for log in self._logs:
            log.observe(event)

    def show_limiter(self, limiter: AdaptiveLimiter) -> None:
        """Show the state of *limiter* too."""
        self._limiter = limiter

    def add_display(self, display: Display) -> None:
        """Update *display* too."""
        self._displays.append(display)

    def write_metrics(self, path: Path, *, command: str) -> None:
        """Write metrics to *path* from now on. Raise `LocalDisk`."""
        from readstate.observers.metrics_file import MetricsFile  # noqa: PLC0415 - few runs want it, and it is slow

        self._metrics = MetricsFile(
            path, command=command, counters=self.counters, clock=self._clock, emit=self._write_log
        )
        self._metrics.start()
        self.add_display(self._metrics)

    def mark_success(self) -> None:
        """Keep this moment in the metrics as that of the last success."""
        if self._metrics is not None:
            self._metrics.mark_success()

    def update_displays(self) -> None:
        """Measure the progress and show it on every display; say what the run waits for where nothing moves."""
        now = self._clock.monotonic()
        counted = self.counters
        self._rates.add(Sample(now, counted.requests, counted.accepted, counted.done_now, counted.roster_pages))
        limiter = None if self._limiter is None else self._limiter.view(now)
        if (waiting := self._watchdog.due(now, limiter, WorkerThread.running())) is not None:
            self.emit(waiting)
        progress = measure(self.counters, limiter, self._rates, began=self._began)
        for display in self._displays:
            display.update(progress)

    def close(self) -> None:
        """Update the displays a last time and close them."""
        self.update_displays()
        for display in self._displays:
            display.close()


@contextmanager
def monitor_run(
    settings: Settings,
    *,
    command: str,
    clock: Clock,
    stream: TextIO | None = None,
    update_seconds: float = _SECONDS_BETWEEN_UPDATES,
) -> Iterator[Monitor]:
    """Show the run in this block on *stream* (stderr), in the log file and in the metrics file, as *settings* say.

    A terminal gets a progress bar with log lines above it; any other stream gets the lines and, each 30 seconds, the
    progress. The log file gets them too, also where the screen is to stay empty. Call it inside a running event loop,
    which updates the displays. Raise `LocalDisk`.
    """
    stream = sys.stderr if stream is None else stream
    is_quiet = settings.log_level in {"error", "warning"}
    draws = _can_draw(stream) and settings.log_format == "text" and not is_quiet
    bar = _bar(stream, verb=command) if draws else None

    with ExitStack() as stack:
        log = partial(EventLog, clock=clock, log_format=settings.log_format)
        logs = [log(bar.write if bar else _lines_to(stream), level=settings.log_level, prints_progress=bar is None)]
        if settings.log_file:
            file = stack.enter_context(open_log(Path(settings.log_file)))
            logs.append(log(_lines_to(file), level="info" if is_quiet else settings.log_level, prints_progress=True))
        monitor = Monitor(RunCounters(), *logs, clock=clock)
        if bar:
            monitor.add_display(bar)
        timer = _RepeatingTimer(monitor.update_displays, seconds=update_seconds)
        try:
            if settings.metrics_file:
                monitor.write_metrics(Path(settings.metrics_file), command=command)
            yield monitor
        finally:
            timer.stop()
            monitor.close()


def _bar(stream: TextIO, *, verb: str) -> "ProgressBar":
    from readstate.observers.progress_bar import ProgressBar  # noqa: PLC0415 - for terminals alone, and it is slow

    return ProgressBar(stream, verb=verb)


def _can_draw(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


class _RepeatingTimer:
    """Calls *action* every few *seconds* on the running loop, without a task that would have to be awaited."""

    def __init__(self, action: Callable[[], None], *, seconds: float) -> None:
        self._action = action
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_later(seconds, self._run)

    def stop(self) -> None:
        self._handle.cancel()

    def _run(self) -> None:
        self._handle = self._loop.call_later(self._seconds, self._run)
        self._action()


def _lines_to(stream: TextIO) -> Write:
    def write(line: str) -> None:
        # A reader of the log that has gone, such as a pager, or a full disk below it does not end the run.
        with suppress(OSError):
            stream.write(line + "\n")
            stream.flush()

    return write
