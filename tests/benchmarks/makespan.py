"""How near to the least possible time an export of very unequal users comes, at a cap of 100.

With *requests* to make and *cap* slots of *latency* each, no client is quicker than ``requests × latency / cap``, nor
than the longest list, whose pages must be read one after the other; the list of the users is such a list too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Goal, Section, Spread, in_turns
from tests.benchmarks.measured import measure, simulator
from tests.benchmarks.watched import watching

CAP = 100
HEADER = (
    "latency", "sizes", "T* s", "from first to last answer, s", "times T*", "slots used", "in the middle",
    "users listed after", "refused", "whole command, s",
)  # fmt: skip
_MIDDLE = (0.2, 0.7)


@dataclass(frozen=True, slots=True)
class Shape:
    """A world, and how long it takes to answer."""

    latency_ms: int
    users: int
    conversations_per_user: int
    heaviest: int

    def options(self) -> tuple[str, ...]:
        return (
            "--users", str(self.users), "--conversations-per-user", str(self.conversations_per_user),
            "--heaviest", str(self.heaviest), "--odd-identities", "0", "--prerender",
            "--fault", f"concurrency_cap={CAP}", "--fault", f"latency_ms={self.latency_ms}",
        )  # fmt: skip

    def least_seconds(self, requests: int) -> float:
        longest = max(-(-self.heaviest // 50), -(-self.users // 50))
        return self.latency_ms / 1000 * max(requests / CAP, longest)

    def text(self) -> str:
        return (
            f"at {self.latency_ms} ms {self.users} users, {self.conversations_per_user} conversations on average,"
            f" {self.heaviest} at most"
        )


@dataclass(frozen=True, slots=True)
class Timed:
    """One export, as the server saw it."""

    least: float
    seconds: float
    used: float
    used_in_the_middle: float
    listed_after: float
    """At which share of the time the last page of the list of users was answered."""
    refused: float
    wall: float


def makespan(shapes: list[Shape], rounds: int) -> Section:
    rows, goals = [], []
    for shape in shapes:
        for sizes, runs in _timed(shape, rounds).items():
            rows.append(_row(shape, sizes, runs))
            goals += _goals(shape, sizes, runs)
    text = (
        f"A cap of {CAP} requests in service; {'; '.join(shape.text() for shape in shapes)}. T* is"
        " the larger of requests × latency / cap and the pages of the longest list (that of the users is one) ×"
        " latency. *Known* sizes come from a snapshot of the day before. *In the middle*: between 20 and 70 % of the"
        " answers, when the window has long been found and enough users are left."
    )
    return Section("The least possible time, very unequal users", text, HEADER, rows, goals)


def _timed(shape: Shape, rounds: int) -> dict[str, list[Timed]]:
    with TemporaryDirectory() as folder, simulator(*shape.options()) as env:

        def export(root: str, day: str) -> Timed:
            arguments = ["-m", "readstate_jobs", "export", "--json", "--again", "--out", root]
            return _export([*arguments, "--date", day], {**env, "READSTATE_WORK_DIR": f"{folder}/work"}, shape)

        def without() -> Timed:
            with TemporaryDirectory(dir=folder) as root:
                return export(root, "2024-01-02")

        export(f"{folder}/known", "2024-01-01")
        runs: dict[str, Callable[[], Timed]] = {
            "known": lambda: export(f"{folder}/known", "2024-01-02"),
            "unknown": without,
        }
        return in_turns(runs, rounds)


def _export(arguments: list[str], env: Mapping[str, str], shape: Shape) -> Timed:
    measured, watched = watching(env["BASE_URL"], lambda: measure(arguments, env))
    latency = shape.latency_ms / 1000
    requests = watched.answers[-1]
    seconds = watched.seconds() + latency  # the first answer was one latency on its way
    begun = watched.when(watched.answers, 0) - latency
    return Timed(
        least=shape.least_seconds(requests),
        seconds=seconds,
        used=requests * latency / CAP / seconds,
        used_in_the_middle=watched.rate(*_MIDDLE) * latency / CAP,
        listed_after=(watched.when(watched.user_pages, 1) - begun) / seconds,
        refused=watched.refusals / (requests + watched.refusals),
        wall=measured.wall,
    )


def _row(shape: Shape, sizes: str, runs: list[Timed]) -> tuple[str, ...]:
    return (
        f"{shape.latency_ms} ms",
        sizes,
        Spread.of(run.least for run in runs).text(),
        Spread.of(run.seconds for run in runs).text(),
        _times_least(runs).text(),
        Spread.of(run.used for run in runs).text(),
        Spread.of(run.used_in_the_middle for run in runs).text(),
        Spread.of(100 * run.listed_after for run in runs).text(" %"),
        Spread.of(100 * run.refused for run in runs).text(" %"),
        Spread.of(run.wall for run in runs).text(),
    )


def _goals(shape: Shape, sizes: str, runs: list[Timed]) -> list[Goal]:
    where = f"{shape.latency_ms} ms, sizes {sizes}"
    used = Spread.of(run.used_in_the_middle for run in runs)
    return [
        Goal(f"{where}: slots used in the middle", used, least=0.95 if shape.latency_ms >= 150 else 0.9),
        Goal(f"{where}: times T*", _times_least(runs), most=1.1 if sizes == "known" else 1.7),
    ]


def _times_least(runs: list[Timed]) -> Spread:
    return Spread.of(run.seconds / run.least for run in runs)
