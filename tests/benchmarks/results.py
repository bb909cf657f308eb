"""The last two results of each section as data, and the pages that are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.benchmarks.charts import draw
from tests.benchmarks.figures import MISSED, REACHED, Chart, Section, table

HERE = Path(__file__).parent
DATA = HERE / "results.json"
BEGIN, END = "<!-- written by make bench -->", "<!-- until here -->"


@dataclass(frozen=True, slots=True)
class Measured:
    """A section, and what it was measured on."""

    section: Section
    began: str
    minutes: float
    load: float
    """Of the minute before it began: near 0 where the machine was idle."""
    machine: str
    versions: str


Results = Mapping[str, tuple[Measured, ...]]
"""By the name of the section, in their order: at most two, the newest last."""


def load() -> Results:
    return msgspec.json.decode(DATA.read_bytes(), type=dict[str, tuple[Measured, ...]]) if DATA.exists() else {}


def added(results: Results, name: str, measured: Measured) -> Results:
    return {**results, name: (*results.get(name, ())[-1:], measured)}


def save(results: Results) -> None:
    """Write *results*, and all pages and pictures that are made of them."""
    lines = [f'"{name}": {msgspec.json.encode(runs).decode()}' for name, runs in results.items()]
    DATA.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    for name, content in pages(results).items():
        (HERE / name).write_text(content, encoding="utf-8")


def pages(results: Results) -> dict[str, str]:
    """Return the content of every file that follows from *results*, by its name."""
    before, _, rest = (HERE / "README.md").read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return {
        "RESULTS.md": _tables(results),
        "README.md": f"{before}{BEGIN}\n{_summary(results)}\n{END}{after}",
        **{f"{chart.name}.svg": draw(chart) for chart in _charts(results)},
    }


def _summary(results: Results) -> str:
    """Return a table of all goals, those that are missed first."""
    rows = []
    for *before, last in results.values():
        earlier = {goal.what: goal.median for run in before for goal in run.section.goals}
        rows += [
            (f"{last.section.title}: {goal.what}", goal.wanted, earlier.get(goal.what, ""), goal.median, goal.verdict)
            for goal in last.section.goals
        ]
    rows.sort(key=lambda row: row[-1] != MISSED)
    missed, judged = (sum(row[-1] in verdicts for row in rows) for verdicts in ({MISSED}, {MISSED, *REACHED}))
    days = sorted({f"{runs[-1].began[:10]} ({runs[-1].machine})" for runs in results.values()})
    head = f"{missed} of {judged} goals are missed; they come first. Figures are medians."
    head += f"\nLast run: {', '.join(days)}."
    return f"{head}\n\n{table(('', 'wanted', 'run before', 'last run', ''), rows)}"


def _tables(results: Results) -> str:
    last = [runs[-1] for runs in results.values()]
    where = {f"* {run.machine}\n* {run.versions}": None for run in last}
    parts = [_HEAD, *where, _NOTES]
    for run in last:
        parts += [
            run.section.markdown(),
            f"*Begun {run.began}, {run.minutes:.1f} minutes, load before {run.load:.1f}.*",
        ]
    return "\n\n".join(parts) + "\n"


def _charts(results: Results) -> list[Chart]:
    """Return the charts of the last runs, those of one name as one."""
    found: dict[str, Chart] = {}
    for runs in results.values():
        for chart in runs[-1].section.charts:
            first = found.get(chart.name, chart)
            found[chart.name] = Chart(
                chart.name, first.title, {**first.bars, **chart.bars}, {**first.lines, **chart.lines}
            )
    return list(found.values())


_HEAD = """\
# Benchmark

Written by `make bench`, from results.json; change nothing by hand here. [README.md](README.md) says what it means."""

_NOTES = """\
* Figures are medians with the least and the most; in each round every tool has a turn, another one begins, and ratios
  are taken within a round. The official client with threads and dlt have one round. Everything runs on this machine:
  the simulator in one process with its pages rendered beforehand, each client in another, from its start to its end.
  CPU is user and system time of that process and its children, the peak is its resident memory.
* *Beyond an empty run*: less what the same command takes for a world of one user, which is imports and farewell.
* *Simulator busy*: the share of one core that the simulator took meanwhile. Near 100 % it is the limit and not the
  client: compare CPU there, not rows per second.
* readstate runs with its defaults (up to 500 requests in flight). The official client and the script read 50 users at
  once on the stock event loop, the threads 10; dlt fetches 20 at once. All ask for pages of 50 rows. Of dlt's other
  settings each was tried once, with no difference beyond noise, and not tuned further. readstate decodes every page,
  checks it, keeps a checkpoint and a manifest, and sorts; the official client and the script keep all rows in memory
  and write them at the end."""
