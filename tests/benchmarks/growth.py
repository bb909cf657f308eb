"""What more rows cost: memory over the run, its peak, and CPU a row of exports of different size."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Chart, Goal, Section, Spread, group, in_turns
from tests.benchmarks.measured import Measured, measure, simulator
from tests.benchmarks.watched import Watched

HEADER = ("rows", "peak MB", "CPU µs/row", "rows/s")
_SHAPE = (
    "--conversations-per-user", "47.9", "--heaviest", "50", "--odd-identities", "0", "--fault", "concurrency_cap=none",
)  # fmt: skip
_ROWS_A_USER = 46
_LOOKS_A_SECOND = 2
_POINTS = 200
"""That many of a line are drawn."""


@dataclass(frozen=True, slots=True)
class Grown:
    rows: int
    measured: Measured
    memory: Sequence[tuple[float, float]]
    """Rows read, by the share of the pages that were answered, and megabytes."""


def growth(sizes: list[int], rounds: int) -> Section:
    """Export worlds of about so many rows, whose pages are rendered beforehand."""
    with ExitStack() as stack:
        runs: dict[str, Callable[[], Grown]] = {}
        for size in sizes:
            env = stack.enter_context(simulator("--users", str(size // _ROWS_A_USER), *_SHAPE, "--prerender"))
            runs[f"{size}"] = partial(_export, env)
        found = in_turns(runs, rounds)
    return _section("Growth", "Full pages, no cap.", list(found.values()))


def huge(size: int) -> Section:
    """Export a world of so many rows once."""
    with simulator("--users", str(size // _ROWS_A_USER), *_SHAPE) as env:
        run = _export(env)
    text = "The simulator renders each page when it is asked for: the rows a second are its own."
    return _section("Growth, ten million rows", text, [[run]])


def _section(title: str, text: str, found: list[list[Grown]]) -> Section:
    rows, goals, lines = [], [], {}
    for runs in found:
        peak = Spread.of(run.measured.peak_megabytes for run in runs)
        cpu = Spread.of(1e6 * run.measured.cpu / run.rows for run in runs)
        speed = Spread.of(run.rows / run.measured.wall for run in runs)
        name = f"{group(runs[0].rows)} rows"
        rows.append((group(runs[0].rows), peak.text(), cpu.text(), speed.text()))
        goals.append(Goal(f"peak memory, {name}", peak, "at most", 256, 200, " MB"))
        lines[name] = runs[-1].memory
    chart = Chart("memory", "Resident memory in MB, by the rows that have been read", lines=lines)
    return Section(title, text, HEADER, rows, goals, [chart])


def _export(env: Mapping[str, str]) -> Grown:
    with TemporaryDirectory() as folder:
        arguments = ["-m", "readstate_jobs", "export", "--json", "--out", f"{folder}/root"]
        watched = Watched(env["BASE_URL"], _LOOKS_A_SECOND, "/Conversations")
        measured = measure(arguments, {**env, "READSTATE_WORK_DIR": f"{folder}/work"}, watched=watched)
    rows = json.loads(measured.stdout)["manifest"]["rows"]
    points = [
        (round(rows * answers / watched.answers[-1]), round(megabytes))
        for answers, megabytes in zip(watched.answers, watched.resident_megabytes, strict=True)
        if answers and megabytes
    ]
    return Grown(rows, measured, points[:: len(points) // _POINTS + 1])
