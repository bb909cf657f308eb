"""The metrics file: Prometheus text format for the textfile collector of the node exporter."""

import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from readstate.clock import Clock
from readstate.disk.files import replaceable, write_at_once
from readstate.errors import LocalDisk
from readstate.events import Message, Observer
from readstate.observers.progress import Progress
from readstate.observers.run_counters import RunCounters

_SECONDS_BETWEEN_WRITES = 15.0
_LAST_SUCCESS = "readstate_last_success_timestamp_seconds"


class MetricsFile:
    """Writes a run's counters to *path* at the start, each 15 seconds and at the end, atomically.

    A device or a pipe is written to instead, each time with all of them, and left out while nothing reads from it.
    *command* labels the metrics: the node exporter reads the files of several commands as one.
    The time of the last success is kept from the file of an earlier run, so that an alert can watch its age.
    """

    def __init__(self, path: Path, *, command: str, counters: RunCounters, clock: Clock, emit: Observer) -> None:
        self._path = path
        self._emit = emit
        self._clock = clock
        started_at = clock.now().timestamp()
        self._run = _RunCollector(command, counters, started_at=started_at, last_success=_read_success(path))
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self._run)
        self._written_at = 0.0
        self._is_failing = False

    def start(self) -> None:
        """Write the first metrics. Raise `LocalDisk` if that fails: better now than hours later."""
        try:
            self._try_write()
        except OSError as error:
            raise LocalDisk(
                f"the metrics file {self._path} cannot be written: {error.strerror}",
                hint="Name one in a directory that exists and is yours: --metrics-file FILE",
            ) from error

    def update(self, now: Progress) -> None:
        """Keep *now*, and write if 15 seconds have passed since the last time."""
        self._run.now = now
        if now.elapsed_seconds - self._written_at >= _SECONDS_BETWEEN_WRITES:
            self._written_at = now.elapsed_seconds
            self._write()

    def mark_success(self) -> None:
        """Keep this moment as that of the last success."""
        self._run.last_success = self._clock.now().timestamp()

    def close(self) -> None:
        """Write the final metrics."""
        self._write()

    def _write(self) -> None:
        try:
            self._try_write()
        except OSError as error:  # not worth ending the run for
            if not self._is_failing:
                self._emit(Message(f"the metrics file {self._path} cannot be written: {error.strerror}"))
            self._is_failing = True
        else:
            self._is_failing = False

    def _try_write(self) -> None:
        place = replaceable(self._path)
        if place is None:
            write_at_once(self._path, generate_latest(self._registry))
        else:
            write_to_textfile(str(place), self._registry)


class _RunCollector(Collector):
    """A run's counters as prometheus-client reads them."""

    def __init__(self, command: str, counters: RunCounters, *, started_at: float, last_success: float | None) -> None:
        self.now: Progress | None = None
        self.last_success = last_success
        self._labels = {"command": command}
        self._counters = counters
        self._started_at = started_at

    def collect(self) -> Iterator[Metric]:
        counters = self._counters
        yield self._counter("rows", "Memberships (users in conversations) read", {"": counters.rows}, label=None)
        yield self._counter("duplicates", "Memberships that came twice", {"": counters.duplicates}, label=None)
        yield self._counter(
            "users",
            "Users finished with, by result",
            {
                "read": counters.users_read,
                "vanished": counters.users_vanished,
                "unknown": counters.users_unknown,
                "failed": counters.users_failed,
            },
            label="result",
        )
        by_status = {str(status): count for status, count in sorted(counters.requests_by_status.items())}
        yield self._counter(
            "requests", "HTTP attempts, by status", {**by_status, "none": counters.requests_lost}, label="status"
        )
        yield self._counter("retries", "Requests sent again", {"": counters.retries}, label=None)
        yield self._counter("retries_exhausted", "Requests given up", {"": counters.retries_exhausted}, label=None)
        yield self._counter("pages_reread", "Pages of moving lists read again", {"": counters.pages_reread}, label=None)
        yield self._counter("part_bytes", "Bytes of parts written", {"": counters.part_bytes}, label=None)
        if counters.conversations:
            yield self._gauge("conversations", "Different conversations of the snapshot", counters.conversations)
        yield self._gauge("users_listed", "Users known so far", counters.users_listed)
        yield self._gauge("start_timestamp_seconds", "When this run began", self._started_at)
        if self.now is not None:
            yield self._gauge("run_seconds", "How long this run has taken", self.now.elapsed_seconds)
            yield self._gauge("requests_in_flight", "Requests under way", self.now.in_flight)
            yield self._gauge("window", "Requests that may be under way", self.now.window)
        if self.last_success is not None:
            yield self._gauge("last_success_timestamp_seconds", "When a run last succeeded", self.last_success)

    def _counter(self, name: str, text: str, values: dict[str, int], *, label: str | None) -> Metric:
        labels = [*self._labels, *([label] if label else [])]
        family = CounterMetricFamily(f"readstate_{name}", f"{text}.", labels=labels)
        for value, count in values.items():
            family.add_metric([*self._labels.values(), *([value] if label else [])], count)
        return family

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"readstate_{name}", f"{text}.", labels=list(self._labels))
        family.add_metric(list(self._labels.values()), value)
        return family


def _read_success(path: Path) -> float | None:
    """Return the time of the last success from *path*, which an earlier run has written; None without one."""
    if not path.is_file():  # a pipe has no end to be read to
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(rf"^{_LAST_SUCCESS}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else None
