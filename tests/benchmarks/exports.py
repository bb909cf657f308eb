"""Whole exports to Parquet by readstate and by what people use instead, on the same world, each in its own process."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Goal, Section, Spread, in_turns
from tests.benchmarks.measured import Measured, cpu_of, measure, simulator
from tests.helpers.certificate import write_certificate

READSTATE = "readstate"
OFFICIAL = "official client, async"
SCRIPT = "aiohttp + .json() + pandas"
PEERS = {
    OFFICIAL: "official_async",
    "official client, 10 threads": "official_sync",
    SCRIPT: "script",
    "dlt, REST source": "dlt_rest",
}
NO_CAP = ("--odd-identities", "0", "--prerender", "--fault", "concurrency_cap=none")
HEADER = (
    "client", "rows/s", "readstate: times as fast", "CPU µs/row", "beyond an empty run", "CPU µs/request",
    "CPU, times its", "peak MB", "simulator busy",
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
    file_bytes: int


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
    goals = list(_speed_goals(compared))
    cpu = compared.cpu_beyond_empty(READSTATE, "rows")
    goals.append(Goal("CPU a row, beyond an empty run", cpu, most=9.5, unit=" µs"))
    goals.append(Goal("peak memory", compared.peak(READSTATE), most=256, unit=" MB"))
    json_bytes = compared.world.counts["json_bytes"]
    share = Spread.of(run.file_bytes / json_bytes for run in compared.runs[READSTATE])
    goals.append(Goal("bytes of the files for each byte of JSON", share, most=0.125))
    return Section("A whole export, full pages", _told(compared), HEADER, _rows(compared), goals)


def five_rows(users: int, rounds: int) -> Section:
    """Lists of about five rows, so that requests dominate."""
    compared = compare(("--users", str(users), "--conversations-per-user", "5", "--heaviest", "40", *NO_CAP), rounds)
    cpu = compared.cpu_beyond_empty(READSTATE, "requests")
    goals = [Goal("CPU a request, beyond an empty run", cpu, most=170, unit=" µs")]
    return Section("The same, five rows a user", _told(compared), HEADER, _rows(compared), goals)


def five_rows_over_tls(users: int, rounds: int) -> Section:
    """The same by https, with a certificate of an authority that every client is told to trust."""
    with TemporaryDirectory() as folder:
        certificate = Path(folder, "certificate.pem")
        write_certificate(certificate)
        peers = {OFFICIAL: PEERS[OFFICIAL], SCRIPT: PEERS[SCRIPT]}
        shape = ("--users", str(users), "--conversations-per-user", "5", "--heaviest", "40", *NO_CAP)
        compared = compare(shape, rounds, peers=peers, tls=("--tls", str(certificate)))
    times = compared.speed(READSTATE).per(compared.speed(SCRIPT))
    goals = [Goal("speed, times the script; floor", times, least=1.5), Goal("the same; aim", times, least=2)]
    return Section("The same, five rows a user, over TLS", _told(compared), HEADER, _rows(compared), goals)


def compare(
    shape: tuple[str, ...], rounds: int, *, peers: Mapping[str, str] = PEERS, tls: tuple[str, ...] = ()
) -> Compared:
    """Run every tool in turns over the world of that *shape*, and check what they wrote."""
    empty_world = ("--users", "1", *NO_CAP)
    with TemporaryDirectory() as folder, simulator(*shape, *tls) as env, simulator(*empty_world, *tls) as tiny:
        place = Path(folder)
        world = _truth(place / "truth", env)
        exports = _exports(place, peers)
        empty = in_turns({name: partial(export, tiny, None) for name, export in exports.items()}, (rounds + 1) // 2)
        runs = in_turns({name: partial(export, env, world) for name, export in exports.items()}, rounds)
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
    return Run(measured, spent, sum(file.stat().st_size for file in rows.rglob("*.parquet")))


def _truth(folder: Path, env: Mapping[str, str]) -> World:
    folder.mkdir()
    counts = json.loads(measure(["-m", "tests.benchmarks.peers.truth", str(folder)], env).stdout)
    return World(counts, _checksum(folder, env))


def _checksum(folder: Path, env: Mapping[str, str]) -> list[object]:
    found: list[object] = json.loads(measure(["-m", "tests.benchmarks.checksum", str(folder)], env).stdout)
    return found


def _told(compared: Compared) -> str:
    counts = compared.world.counts
    size = counts["json_bytes"] / counts["rows"]
    return (
        f"{counts['users']} users, {counts['rows']} rows of {size:.0f} bytes, {counts['requests']} requests."
        " Everybody read the same rows, by count and checksum."
    )


def _rows(compared: Compared) -> list[tuple[str, ...]]:
    return [compared.row(name) for name in compared.runs]


def _speed_goals(compared: Compared) -> list[Goal]:
    official, _, script, _ = (compared.speed(name) for name in PEERS)
    goals = []
    ours = compared.speed(READSTATE)
    for what, peer, floor, aim in (("the official async client", official, 6, 11), ("the script", script, 4, 6)):
        goals.append(Goal(f"speed, times {what}; floor", ours.per(peer), least=floor))
        goals.append(Goal("the same; aim", ours.per(peer), least=aim))
    return goals
