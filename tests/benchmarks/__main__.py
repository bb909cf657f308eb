"""The benchmark: readstate beside what people use instead, and beside its own goals.

    python -m tests.benchmarks            everything in 20 minutes; writes results.json and what is made of it
    python -m tests.benchmarks huge       an export of ten million rows in five minutes, kept beside the others
    python -m tests.benchmarks quick      small worlds, two rounds, two minutes; prints, and writes nothing
    python -m tests.benchmarks draw       only makes pages and charts of results.json again

Name sections to run only those: full, five, tls, makespan, apply, starting, growth, huge. The last two results of each
are kept. While it runs, a line on stderr says which section has begun.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.benchmarks import results
from tests.benchmarks.apply import apply
from tests.benchmarks.exports import five_rows, five_rows_over_tls, full_pages
from tests.benchmarks.figures import Section
from tests.benchmarks.growth import growth, huge
from tests.benchmarks.machine import load, machine, versions
from tests.benchmarks.makespan import Shape, makespan
from tests.benchmarks.starting import starting


@dataclass(frozen=True, slots=True)
class Sizes:
    rounds: int
    fewer_rounds: int
    """Of what takes long and differs little."""
    full_page_users: int
    five_row_users: int
    applied_rows: int
    shapes: tuple[Shape, ...]
    rows: tuple[int, ...]
    huge: int


_KNOWN, _UNKNOWN = (1.08, 1.05), (1.60, None)
FULL = Sizes(
    rounds=5,
    fewer_rounds=3,
    full_page_users=4_000,
    five_row_users=5_000,
    applied_rows=5_000,
    shapes=(
        Shape(150, 2_800, 3_600, {"known": _KNOWN, "unknown": _UNKNOWN}),
        Shape(50, 4_000, 6_400, {"known": (1.25, 1.10)}),
    ),
    rows=(200_000, 1_000_000),
    huge=10_000_000,
)
QUICK = Sizes(
    rounds=2,
    fewer_rounds=1,
    full_page_users=400,
    five_row_users=400,
    applied_rows=400,
    shapes=(Shape(150, 500, 1_000, {"known": _KNOWN, "unknown": _UNKNOWN}),),
    rows=(20_000,),
    huge=100_000,
)


def sections(sizes: Sizes) -> dict[str, Callable[[], Section]]:
    return {
        "full": lambda: full_pages(sizes.full_page_users, sizes.rounds),
        "five": lambda: five_rows(sizes.five_row_users, sizes.rounds),
        "tls": lambda: five_rows_over_tls(sizes.five_row_users, sizes.rounds),
        "makespan": lambda: makespan(list(sizes.shapes), sizes.fewer_rounds),
        "apply": lambda: apply(sizes.applied_rows, sizes.fewer_rounds),
        "starting": lambda: starting(2 * sizes.rounds),
        "growth": lambda: growth(list(sizes.rows), sizes.fewer_rounds),
        "huge": lambda: huge(sizes.huge),
    }


def main(words: list[str]) -> None:
    known = sections(QUICK if "quick" in words else FULL)
    if wrong := [word for word in words if word not in {*known, "quick", "draw"}]:
        raise SystemExit(f"no section {', '.join(wrong)}; there are {', '.join(known)}")
    wanted = [name for name in known if name in words] or [name for name in known if name != "huge"]
    for name in wanted if "draw" not in words else ():
        print(f"{datetime.now(UTC):%H:%M:%S}  {name} …", file=sys.stderr, flush=True)
        measured = _measured(known[name])
        if "quick" in words:
            print(measured.section.markdown(), flush=True)
        else:
            kept = results.added(results.load(), name, measured)
            results.save({each: kept[each] for each in known if each in kept})
    if "draw" in words:
        results.save(results.load())


def _measured(section: Callable[[], Section]) -> results.Measured:
    began, clock, load_before = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", time.monotonic(), load()
    measured = section()
    return results.Measured(
        measured, began, round((time.monotonic() - clock) / 60, 1), load_before, machine(), versions()
    )


if __name__ == "__main__":
    main(sys.argv[1:])
