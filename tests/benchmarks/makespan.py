"""How near to the least possible time an export of very unequal users comes, at a cap of 100.

With *requests* to make and *cap* slots of *latency* each, no client is quicker than ``requests × latency / cap``, nor
than the longest list, whose pages must be read one after the other; the list of the users is such a list too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Chart, Goal, Section, Spread, in_turns
from tests.benchmarks.measured import measure, simulator
from tests.benchmarks.watched import Watched

CAP = 100
HEADER = ("latency", "sizes", "T*, s", "from first to last answer, s", "slots used", "refused", "whole command, s")
_LOOKS_A_SECOND = 20


@dataclass(frozen=True, slots=True)
class Shape:
    """A world, how long it takes to answer, and what is wanted: times T* at most and aimed at, by what is known."""

    latency_ms: int
    users: int
    heaviest: int
    wanted: Mapping[str, tuple[float, float | None]]

    def options(self) -> tuple[str, ...]:
        return (
            "--users", str(self.users), "--conversations-per-user", "180", "--heaviest", str(self.heaviest),
            "--odd-identities", "0", "--prerender",
            "--fault", f"concurrency_cap={CAP}", "--fault", f"latency_ms={self.latency_ms}",
        )  # fmt: skip

    def least_seconds(self, requests: int) -> float:
        longest = max(-(-self.heaviest // 50), -(-self.users // 50))
        return self.latency_ms / 1000 * max(requests / CAP, longest)

    def text(self) -> str:
        return f"at {self.latency_ms} ms {self.users} users of 180 conversations on average, {self.heaviest} at most"


@dataclass(frozen=True, slots=True)
class Timed:
    """One export, as the server saw it."""

    least: float
    seconds: float
    used: float
    refused: float
    wall: float


def makespan(shapes: list[Shape], rounds: int) -> Section:
    rows, goals, bars = [], [], {"least possible": 1.0}
    for shape in shapes:
        for sizes, runs in _timed(shape, rounds).items():
            where = f"{shape.latency_ms} ms, sizes {sizes}"
            times_least = Spread.of(run.seconds / run.least for run in runs)
            rows.append((f"{shape.latency_ms} ms", sizes, *_cells(runs)))
            goals.append(Goal(f"{where}: time, times T*", times_least, "at most", *shape.wanted[sizes]))
            bars[f"readstate, {where}"] = times_least.median
    text = (
        f"Exports at a cap of {CAP} requests in service: {'; '.join(shape.text() for shape in shapes)}. T* is the least"
        " possible time: the larger of requests × latency / cap and the pages of the longest list (that of the users is"
        " one) × latency. *Known* sizes come from a snapshot of the day before."
    )
    chart = Chart("makespan", "Time of an export, times the least possible", bars)
    return Section("Very unequal users", text, HEADER, rows, goals, [chart])


def _timed(shape: Shape, rounds: int) -> dict[str, list[Timed]]:
    with TemporaryDirectory() as text, simulator(*shape.options()) as env:
        folder = Path(text)

        def export(root: Path, day: str) -> Timed:
            arguments = ["-m", "readstate_jobs", "export", "--json", "--again", "--out", str(root), "--date", day]
            return _export(arguments, {**env, "READSTATE_WORK_DIR": str(folder / "work")}, shape)

        def without() -> Timed:
            with TemporaryDirectory(dir=folder) as root:
                return export(Path(root), "2024-01-02")

        export(folder / "known", "2024-01-01")
        runs: dict[str, Callable[[], Timed]] = {
            "known": lambda: export(folder / "known", "2024-01-02"),
            "unknown": without,
        }
        return in_turns({sizes: runs[sizes] for sizes in shape.wanted}, rounds)


def _export(arguments: list[str], env: Mapping[str, str], shape: Shape) -> Timed:
    watched = Watched(env["BASE_URL"], _LOOKS_A_SECOND)
    measured = measure(arguments, env, watched=watched)
    latency = shape.latency_ms / 1000
    requests = watched.answers[-1]
    seconds = watched.seconds() + latency  # the first answer was one latency on its way
    return Timed(
        least=shape.least_seconds(requests),
        seconds=seconds,
        used=requests * latency / CAP / seconds,
        refused=watched.refusals / (requests + watched.refusals),
        wall=measured.wall,
    )


def _cells(runs: list[Timed]) -> tuple[str, ...]:
    return (
        Spread.of(run.least for run in runs).text(),
        Spread.of(run.seconds for run in runs).text(),
        Spread.of(run.used for run in runs).text(),
        Spread.of(100 * run.refused for run in runs).text(" %"),
        Spread.of(run.wall for run in runs).text(),
    )
