"""Statistics of the rows of a run for its report, from one pass; memory does not grow with the plan. Pure."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from heapq import heappush, heappushpop
from itertools import accumulate, pairwise
from typing import NamedTuple

from msgspec import Struct, field

from readstate.changes.runs.row_record import RowRecord
from readstate.model.outcome import OUTCOMES, Outcome, OutcomeClass
from readstate.model.plan import PlanRow

BUCKETS_MS = (50, 100, 200, 500, 1_000, 2_000, 5_000)
"""Where one bar of the times that answers took ends, and the next begins."""
_MOST_SHOWN = 10
_MOST_WINDOWS = 120
_MICROSECONDS = 1_000_000

Line = tuple[PlanRow, RowRecord]


class FailureKind(NamedTuple):
    """Outcome, reason and answer of rows that are not as planned."""

    outcome: str
    reason: str | None
    status: int | None
    code: int | None


class Percentiles(Struct, frozen=True):
    """Times in milliseconds, from the usual one to the longest."""

    number: int
    p50: int
    p99: int
    """99 of 100 were no longer."""
    maximum: int


class RateWindow(Struct, frozen=True):
    """What happened in a few seconds of the run."""

    begins_at: int
    """Seconds since 1970."""
    seconds: int
    settled: Mapping[OutcomeClass, int]
    throttled: int
    """Refusals (429) of the rows that were settled then."""


class Durations(Struct):
    """Counts whole milliseconds: there are few different ones."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, milliseconds: int | None) -> None:
        if milliseconds is not None:
            self.counts[max(0, milliseconds)] += 1

    def percentiles(self) -> Percentiles | None:
        """Return None where nothing was added."""
        if not self.counts:
            return None
        ordered = sorted(self.counts)
        reached = list(accumulate(self.counts[milliseconds] for milliseconds in ordered))
        number = reached[-1]
        p50, p99 = (ordered[bisect_right(reached, (number - 1) * part)] for part in (0.5, 0.99))
        return Percentiles(number, p50, p99, ordered[-1])

    def buckets(self) -> list[int]:
        counts = [0] * (len(BUCKETS_MS) + 1)
        for milliseconds, number in self.counts.items():
            counts[bisect_right(BUCKETS_MS, milliseconds)] += number
        return counts


class RunStatistics:
    """All that a report shows about the rows of a run, counted one after the other by `add`."""

    def __init__(self) -> None:
        self.reasons: Counter[FailureKind] = Counter()
        self.answers = Durations()
        """How long Twilio took to answer a write."""
        self.races = Durations()
        """How long after its reading a row was written."""
        self.drifted: list[Line] = []
        """The first rows that were no longer as planned."""
        self.throttled = 0
        self.ambiguous = 0
        """Attempts whose effect was unknown at first."""
        self._outcomes: defaultdict[str, Counter[Outcome]] = defaultdict(Counter)
        self._settled: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._slowest: list[tuple[int, int, Line]] = []

    def add(self, row: PlanRow, record: RowRecord | None, outcome: Outcome) -> None:
        """Count one row that was to be changed, whose *outcome* is known, with what the journal has of it."""
        self._outcomes[row.disposition][outcome] += 1
        if record is None:
            return
        kind = OUTCOMES[outcome].kind
        if kind in {OutcomeClass.LEFT_ALONE, OutcomeClass.FAILED, OutcomeClass.UNKNOWN}:
            self.reasons[FailureKind(outcome, record.reason_code, record.http_status, record.twilio_code)] += 1
        if kind is OutcomeClass.LEFT_ALONE and len(self.drifted) < _MOST_SHOWN:
            self.drifted.append((row, record))
        self.throttled += record.retries_429
        self.ambiguous += record.retries_ambiguous
        if record.settled_at is not None:
            cell = self._settled[record.settled_at // _MICROSECONDS]
            cell[kind] += 1
            cell["throttled"] += record.retries_429
        self.answers.add(record.latency_ms)
        self.races.add(record.race_window_ms)
        if record.latency_ms is not None:
            add = heappush if len(self._slowest) < _MOST_SHOWN else heappushpop
            # Minus the id: of two rows that took as long, the first one of the plan is kept.
            add(self._slowest, (record.latency_ms, -row.plan_row_id, (row, record)))

    @property
    def outcomes(self) -> dict[str, Counter[Outcome]]:
        """For each operation, rows by outcome."""
        return dict(sorted(self._outcomes.items(), reverse=True))

    @property
    def slowest(self) -> list[Line]:
        return [line for _, _, line in sorted(self._slowest, key=lambda one: one[:2], reverse=True)]

    def rows(self, *classes: OutcomeClass) -> int:
        """Return how many rows ended in one of *classes*, or were to be changed at all."""
        wanted = classes or tuple(OutcomeClass)
        return sum(
            rows
            for outcomes in self._outcomes.values()
            for outcome, rows in outcomes.items()
            if OUTCOMES[outcome].kind in wanted
        )

    def windows(self) -> list[RateWindow]:
        """Return windows of equal length, few enough for a picture; a pause begins and ends with one of nothing."""
        if not self._settled:
            return []
        length, first = 1, min(self._settled)
        while len({(second - first) // length for second in self._settled}) > _MOST_WINDOWS:
            length *= 2
        cells: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for second, counts in self._settled.items():
            cells[(second - first) // length].update(counts)
        for before, after in pairwise(sorted(cells)):
            if after > before + 1:
                cells[before + 1] = cells[after - 1] = Counter()
        return [
            RateWindow(
                first + cell * length, length, {kind: counts[kind] for kind in OutcomeClass}, counts["throttled"]
            )
            for cell, counts in sorted(cells.items())
        ]


def count_rows(lines: Iterable[tuple[PlanRow, RowRecord | None, Outcome]]) -> RunStatistics:
    """Count *lines*: each row that was to be changed, with its record and its outcome."""
    statistics = RunStatistics()
    for row, record, outcome in lines:
        statistics.add(row, record, outcome)
    return statistics
