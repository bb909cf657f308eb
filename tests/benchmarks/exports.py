"""Whole exports to Parquet by readstate and by what people use instead, on the same world, each in its own process."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Chart, Goal, Section, Spread, in_turns
from tests.benchmarks.measured import Measured, cpu_of, measure, simulator
from tests.helpers.certificate import write_certificate

READSTATE = "readstate"
OFFICIAL = "official client, async"
SCRIPT = "aiohttp + .json() + pandas"
SLOW = {"official client, 10 threads": "official_sync", "dlt, REST source": "dlt_rest"}
"""These have one round: they are far away, and take most of the time."""
PEERS = {OFFICIAL: "official_async", SCRIPT: "script", **SLOW}
NO_CAP = ("--odd-identities", "0", "--prerender", "--fault", "concurrency_cap=none")
HEADER = (
    "client", "rows/s", "readstate: times as fast", "CPU µs/row", "beyond an empty run", "CPU µs/request",
    "CPU, times readstate's", "peak MB", "simulator busy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """What there is to be read, as the slow reader found it."""

    counts: dict[str, int]
    checksum: list[object]


@dataclass(frozen=True, slots=True)
class Run:
    measured: Measured
    simulator_cpu: float


@dataclass(frozen=True, slots=True)
class Compared:
    world: World
    runs: dict[str, list[Run]]
    empty_cpu: dict[str, float]
    """What each takes for a world of one user: imports, connecting, closing."""

    def speed(self, name: str) -> Spread:
        return Spread.of(self.world.counts["rows"] / run.measured.wall for run in self.runs[name])

    def cpu(self, name: str, per: str) -> Spread:
        return Spread.of(1e6 * run.measured.cpu / self.world.counts[per] for run in self.runs[name])

    def cpu_beyond_empty(self, name: str, per: str) -> Spread:
        empty = self.empty_cpu[name]
        return Spread.of(1e6 * (run.measured.cpu - empty) / self.world.counts[per] for run in self.runs[name])

    def peak(self, name: str) -> Spread:
        return Spread.of(run.measured.peak_megabytes for run in self.runs[name])

    def row(self, name: str) -> tuple[str, ...]:
        busy = Spread.of(100 * run.simulator_cpu / run.measured.wall for run in self.runs[name])
        return (
            name,
            self.speed(name).text(),
            self.speed(READSTATE).per(self.speed(name)).text(),
            self.cpu(name, "rows").text(),
            self.cpu_beyond_empty(name, "rows").text(),
            self.cpu(name, "requests").text(),
            self.cpu(name, "rows").per(self.cpu(READSTATE, "rows")).text(),
            self.peak(name).text(),
            f"{busy.median:.0f} %",
        )


def full_pages(users: int, rounds: int) -> Section:
    """Lists of 50 rows, so that rows dominate."""
    shape = ("--users", str(users), "--conversations-per-user", "47.9", "--heaviest", "50", *NO_CAP)
    compared = compare(shape, rounds)
    goals = [*_speed_goals(compared, official=(4, 6), script=(2, 3)), *_cpu_goals(compared, "row", (0.5, 0.35))]
    return _section("Full pages", compared, goals, "full-pages")


def five_rows(users: int, rounds: int) -> Section:
    """Lists of about five rows, so that requests dominate."""
    compared = compare(_five_rows(users), rounds)
    goals = [*_speed_goals(compared, official=(3, 4), script=(1.5, 2)), *_cpu_goals(compared, "request", (0.6, 0.4))]
    return _section("Five rows a user", compared, goals, "five-rows")


def five_rows_over_tls(users: int, rounds: int) -> Section:
    """Make the requests of `five_rows` by https, with a certificate of an authority that every client trusts."""
    with TemporaryDirectory() as folder:
        certificate = Path(folder, "certificate.pem")
        write_certificate(certificate)
        peers = {OFFICIAL: PEERS[OFFICIAL], SCRIPT: PEERS[SCRIPT]}
        compared = compare(_five_rows(users), rounds, peers=peers, tls=("--tls", str(certificate)))
    goals = list(_speed_goals(compared, script=(1.5, 2)))
    return _section("Five rows a user, over TLS", compared, goals, "five-rows-tls")


def _five_rows(users: int) -> tuple[str, ...]:
    return ("--users", str(users), "--conversations-per-user", "5", "--heaviest", "40", *NO_CAP)


def compare(
    shape: tuple[str, ...], rounds: int, *, peers: Mapping[str, str] = PEERS, tls: tuple[str, ...] = ()
) -> Compared:
    """Run every tool in turns over the world of that *shape*, and check what they wrote."""
    empty_world = ("--users", "1", *NO_CAP)
    with TemporaryDirectory() as folder, simulator(*shape, *tls) as env, simulator(*empty_world, *tls) as tiny:
        place = Path(folder)
        world = _truth(place / "truth", env)
        exports = _exports(place, peers)
        empty = in_turns({name: partial(export, tiny, None) for name, export in exports.items()}, rounds, once=SLOW)
        runs = in_turns({name: partial(export, env, world) for name, export in exports.items()}, rounds, once=SLOW)
        return Compared(world, runs, {name: median(run.measured.cpu for run in few) for name, few in empty.items()})


Export = Callable[[Mapping[str, str], World | None], Run]


def _exports(place: Path, peers: Mapping[str, str]) -> dict[str, Export]:
    def readstate(env: Mapping[str, str], world: World | None) -> Run:
        with TemporaryDirectory(dir=place) as folder:
            arguments = ["-m", "readstate_jobs", "export", "--out", f"{folder}/root", "--json"]
            more = {"READSTATE_WORK_DIR": f"{folder}/work"}
            return _run(arguments, {**env, **more}, Path(folder, "root/user_conversations"), world)

    def peer(module: str) -> Export:
        def export(env: Mapping[str, str], world: World | None) -> Run:
            with TemporaryDirectory(dir=place) as folder:
                rows = Path(folder, "out/twilio/conversations") if module == "dlt_rest" else Path(folder)
                return _run(["-m", f"tests.benchmarks.peers.{module}", folder], env, rows, world)

        return export

    return {READSTATE: readstate} | {
        name: peer(module) for name, module in peers.items() if module != "dlt_rest" or find_spec("dlt")
    }


def _run(arguments: list[str], env: Mapping[str, str], rows: Path, world: World | None) -> Run:
    before = cpu_of(env["SIMULATOR_PID"])
    measured = measure(arguments, env)
    spent = cpu_of(env["SIMULATOR_PID"]) - before
    if world is not None and (found := _checksum(rows, env)) != world.checksum:
        raise SystemExit(f"{' '.join(arguments)} wrote other rows than there are: {found}, not {world.checksum}")
    return Run(measured, spent)


def _truth(folder: Path, env: Mapping[str, str]) -> World:
    folder.mkdir()
    counts = json.loads(measure(["-m", "tests.benchmarks.peers.truth", str(folder)], env).stdout)
    return World(counts, _checksum(folder, env))


def _checksum(folder: Path, env: Mapping[str, str]) -> list[object]:
    found: list[object] = json.loads(measure(["-m", "tests.benchmarks.peers.checksum", str(folder)], env).stdout)
    return found


def _section(title: str, compared: Compared, goals: list[Goal], picture: str) -> Section:
    counts = compared.world.counts
    missing = sorted(PEERS.keys() - compared.runs.keys())
    text = (
        f"Whole exports of {counts['users']} users, {counts['rows']} rows of"
        f" {counts['json_bytes'] / counts['rows']:.0f} bytes, {counts['requests']} requests. Everybody read the same"
        f" rows, by count and checksum." + (f" Not run: {', '.join(missing)}." if missing else "")
    )
    bars = {name: compared.speed(name).median for name in compared.runs}
    chart = Chart(picture, f"{title}: rows a second", bars)
    return Section(title, text, HEADER, [compared.row(name) for name in compared.runs], goals, [chart])


Wanted = tuple[float | None, float | None]
"""A floor and an aim."""


def _speed_goals(compared: Compared, *, script: Wanted, official: Wanted = (None, None)) -> Iterator[Goal]:
    ours = compared.speed(READSTATE)
    yield Goal("rows/s, times the script's", ours.per(compared.speed(SCRIPT)), "at least", *script)
    yield Goal("rows/s, times the official async client's", ours.per(compared.speed(OFFICIAL)), "at least", *official)


def _cpu_goals(compared: Compared, unit: str, wanted: Wanted) -> Iterator[Goal]:
    beyond, whole = (
        cpu(READSTATE, f"{unit}s").per(cpu(SCRIPT, f"{unit}s")) for cpu in (compared.cpu_beyond_empty, compared.cpu)
    )
    yield Goal(f"CPU a {unit}, of the script's, each beyond its own empty run", beyond, "at most", *wanted)
    yield Goal(f"CPU a {unit}, of the script's, whole runs", whole, "at most")
