"""The benchmark: readstate beside what people use instead, and beside its own goals.

    python -m tests.benchmarks            everything, 25 minutes; writes tests/benchmarks/RESULTS.md
    python -m tests.benchmarks quick      small worlds, two rounds, two minutes; prints only
    python -m tests.benchmarks huge       everything, and an export of ten million rows

Name sections to run only those: exports, five, tls, makespan, starting, growth. They are printed and not written.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.exports import five_rows, five_rows_over_tls, full_pages
from tests.benchmarks.figures import Section
from tests.benchmarks.growth import growth
from tests.benchmarks.machine import load, machine, versions
from tests.benchmarks.makespan import Shape, makespan
from tests.benchmarks.starting import starting

RESULTS = Path(__file__).with_name("RESULTS.md")
SECTIONS = ("exports", "five", "tls", "makespan", "starting", "growth")


@dataclass(frozen=True, slots=True)
class Sizes:
    rounds: int
    full_page_users: int
    five_row_users: int
    shapes: tuple[Shape, ...]
    rows: tuple[int, ...]

    @property
    def fewer_rounds(self) -> int:
        """Of what takes long and differs little."""
        return (self.rounds + 1) // 2


FULL = Sizes(
    rounds=5,
    full_page_users=4_000,
    five_row_users=5_000,
    shapes=(Shape(150, 2_800, 180, 3_600), Shape(50, 4_000, 180, 6_400)),
    rows=(200_000, 1_000_000),
)
QUICK = Sizes(
    rounds=2,
    full_page_users=400,
    five_row_users=400,
    shapes=(Shape(150, 500, 180, 1_000),),
    rows=(20_000,),
)


def main(words: list[str]) -> None:
    sizes = QUICK if "quick" in words else FULL
    rows = [*sizes.rows, 10_000_000] if "huge" in words else list(sizes.rows)
    sections: dict[str, Callable[[], Section]] = {
        "exports": lambda: full_pages(sizes.full_page_users, sizes.rounds),
        "five": lambda: five_rows(sizes.five_row_users, sizes.rounds),
        "tls": lambda: five_rows_over_tls(sizes.five_row_users, sizes.rounds),
        "makespan": lambda: makespan(list(sizes.shapes), sizes.fewer_rounds),
        "starting": lambda: starting(2 * sizes.rounds),
        "growth": lambda: growth(rows, sizes.fewer_rounds),
    }
    wanted = [name for name in SECTIONS if name in words] or list(SECTIONS)
    began, load_before = time.monotonic(), load()
    parts = []
    for name in wanted:
        print(f"{time.monotonic() - began:6.0f} s  {name} …", file=sys.stderr, flush=True)
        parts.append(sections[name]().markdown())
        print(parts[-1], flush=True)
    head = _head(sizes, load_before, time.monotonic() - began)
    print(head)
    if sizes is FULL and len(wanted) == len(SECTIONS):
        RESULTS.write_text("\n\n".join([head, *parts]) + "\n", encoding="utf-8")


def _head(sizes: Sizes, load_before: str, seconds: float) -> str:
    return f"""\
# Benchmark

Written by `make bench` on {time.strftime("%Y-%m-%d")} in {seconds / 60:.0f} minutes; say the same to repeat it, or
`python -m tests.benchmarks quick` for two minutes of it. Change nothing by hand here.

* Machine: {machine()}. Load of the last minute: {load_before} at the beginning, {load()} at the end.
* Versions: {versions()}.
* {sizes.rounds} rounds, {sizes.fewer_rounds} of the least possible time and of growth; in each every tool has a turn,
  and another one begins. Figures are medians with the least and the most; ratios are taken within a round. Everything
  runs on this machine: the simulator in one process with its pages rendered beforehand, each client in another, from
  its start to its end. CPU is user and system time of that process and its children, the peak is its resident memory.
* *Beyond an empty run*: less what the same command takes for a world of one user, which is imports and farewell.
* *Simulator busy*: the share of one core that the simulator took meanwhile. Near 100 % it is the limit and not the
  client: compare CPU there, not rows per second.
* readstate runs with its defaults (uvloop; up to 500 requests in flight). The official client
  and the script read 50 users at once on the stock event loop, the threads 10; dlt fetches 20 at once. All ask for
  pages of 50 rows. Of dlt's other settings each was tried once, with no difference beyond noise, and not tuned further.
  readstate decodes every page, checks it, keeps a checkpoint and a manifest, and sorts; the official client and the
  script keep all rows in memory and write them at the end.
* The goals were set beforehand, from measurements of the parts, and for the large worlds: in the small ones of `quick`
  starting dominates. CPU goals are judged beyond an empty run and slots in the middle of a run, which is the milder
  reading of each; the figures of the whole stand in the tables."""


if __name__ == "__main__":
    main(sys.argv[1:])
