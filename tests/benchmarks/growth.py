"""What more rows cost: peak of memory and CPU a row of exports of different size."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Goal, Section, Spread, in_turns
from tests.benchmarks.measured import Measured, measure, simulator

HEADER = ("rows", "peak MB", "CPU µs/row", "rows/s")
_RENDERED_BEFOREHAND = 1_000_000
_SHAPE = (
    "--conversations-per-user", "47.9", "--heaviest", "50", "--odd-identities", "0", "--fault", "concurrency_cap=none",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grown:
    rows: int
    measured: Measured


def growth(sizes: list[int], rounds: int) -> Section:
    """Export worlds of about so many rows; those that can be rendered beforehand take turns, larger ones come once."""
    small = [size for size in sizes if size <= _RENDERED_BEFOREHAND]
    with ExitStack() as stack:
        worlds = {f"{size}": stack.enter_context(_world(size, "--prerender")) for size in small}
        found = in_turns({size: partial(_export, env) for size, env in worlds.items()}, rounds)
    for size in sizes:
        if size not in small:
            with _world(size) as env:
                found[f"{size}"] = [_export(env)]
    rows, goals = [], []
    for runs in found.values():
        peak = Spread.of(run.measured.peak_megabytes for run in runs)
        rows.append(
            (
                f"{runs[0].rows:,}".replace(",", " "),
                peak.text(),
                Spread.of(1e6 * run.measured.cpu / run.rows for run in runs).text(),
                Spread.of(run.rows / run.measured.wall for run in runs).text(),
            )
        )
        goals.append(Goal(f"{runs[0].rows} rows: peak memory", peak, most=256, unit=" MB"))
    text = "Full pages, no cap."
    if len(small) < len(sizes):
        text += " The pages of the largest world are rendered while they are asked for: its rows/s are the simulator's."
    if len(found) > 2:
        least, most = list(found.values())[-2:]
        pairs = zip(least, most, strict=False)
        more = Spread.of(after.measured.peak_megabytes - before.measured.peak_megabytes for before, after in pairs)
        goals.append(Goal(f"growth from {least[0].rows} to {most[0].rows} rows", more, most=20, unit=" MB"))
    return Section("Growth", text, HEADER, rows, goals)


def _world(size: int, *options: str) -> AbstractContextManager[dict[str, str]]:
    return simulator("--users", str(size // 46), *_SHAPE, *options)


def _export(env: Mapping[str, str]) -> Grown:
    with TemporaryDirectory() as folder:
        arguments = ["-m", "readstate_jobs", "export", "--json", "--out", f"{folder}/root"]
        measured = measure(arguments, {**env, "READSTATE_WORK_DIR": f"{folder}/work"})
        return Grown(json.loads(measured.stdout)["manifest"]["rows"], measured)
