"""Processes that share one account over real sockets: what they get together, how evenly, and what becomes of losses.

    python -m tests.benchmarks.pacing.shared [NAME …]        such as file redis-lost

The account is the simulator: 100 requests at once, production beside us, 120 ms. Redis is started here, on loopback.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measured import ROOT, simulator, tell
from tests.benchmarks.pacing.frontier import reachable
from tests.helpers.shared_account import jain

_SECONDS = 40
_SETTLED = 8
_WORKERS = 200
_CAP, _PRODUCTION, _SERVICE, _ROUND_TRIP = 100, 83.0, 0.12, 0.012
_REACHABLE = reachable(_CAP, service=_SERVICE, round_trip=_ROUND_TRIP, production=_PRODUCTION)


class Redis:
    """A Redis server that can be killed and started again."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Result:
    """Events of the processes that ended normally."""

    counts: Mapping[tuple[int, int, str], int]
    """By process, second since the first began, and kind."""
    events: list[str]
    production_refused: float
    processes: int

    def per_second(self, process: int, since: int, until: int, kind: str = "accepted") -> float:
        return sum(self.counts.get((process, second, kind), 0) for second in range(since, until)) / (until - since)

    def line(self, name: str) -> str:
        alive = range(self.processes)
        each = [self.per_second(process, _SETTLED, _SECONDS - 1) for process in alive]
        refused = sum(count for (_, second, kind), count in self.counts.items() if kind == "refused")
        late = sum(self.per_second(process, _SETTLED, _SECONDS - 1, "refused") for process in alive)
        return (
            f"| {name} | {sum(each) / _REACHABLE:.3f} | {refused / sum(self.counts.values()):.2%} "
            f"| {late / (late + sum(each)):.2%} | {self.production_refused:.2%} | {jain(each):.4f} "
            f"| {' '.join(f'{one:.0f}' for one in each)} | {' '.join(self.events)} |"
        )

    def seconds(self) -> str:
        last = max(second for _, second, _ in self.counts)
        rows = (
            f"{second:3d} s: "
            + " ".join(f"{self.per_second(p, second, second + 1):5.0f}" for p in range(self.processes))
            for second in range(last)
        )
        return "\n".join(rows)


def run(
    shared: str, *, processes: int = 4, seconds: int = _SECONDS, events: Mapping[int, Callable[[], None]] | None = None,
    killed_at: int | None = None,
) -> Result:  # fmt: skip
    """Let *processes* read for *seconds*; do *events* at their second; kill the last process at *killed_at*."""
    with simulator("--users", "10") as environment:
        tell(environment["BASE_URL"], "faults", "PATCH", {
            "concurrency_cap": _CAP, "background_requests_per_second": _PRODUCTION, "latency_ms": _SERVICE * 1000,
            "latency_sigma": 0.5, "rtt_ms": _ROUND_TRIP * 1000,
        })  # fmt: skip
        tell(environment["BASE_URL"], "counters", "DELETE")
        load = [sys.executable, "-m", "tests.benchmarks.pacing.load", "readstate", str(seconds), str(_WORKERS)]
        clients = [
            subprocess.Popen(load, cwd=ROOT, env=environment | {"SHARED_PACE": shared}, stdout=subprocess.PIPE)
            for _ in range(processes)
        ]
        due = dict(events or {})
        if killed_at is not None:
            due[killed_at] = clients[-1].kill
        began, acted = time.monotonic(), list[float]()
        for second, act in sorted(due.items()):
            time.sleep(max(0.0, began + second - time.monotonic()))
            act()
            acted.append(time.monotonic())
        outputs = [client.communicate()[0] for client in clients]
        background = tell(environment["BASE_URL"], "counters")["background"]
    results = [json.loads(output) for output in outputs if output]
    first = min(result["began"] for result in results)
    counts = {
        (process, second + round(result["began"] - first), kind): count
        for process, result in enumerate(results)
        for second, kind, count in result["seconds"]
    }
    seen = [
        f"{process}:{second}s:{what}" for process, result in enumerate(results) for second, what in result["events"]
    ]
    seen += [f"done:{at - first:.0f}s" for at in acted]
    return Result(counts, seen, background["refused"] / background["arrived"], len(results))


@contextmanager
def redis() -> Iterator[Redis]:
    server = Redis()
    try:
        yield server
    finally:
        server.kill()


def main() -> None:
    wanted = set(sys.argv[1:])

    def is_wanted(name: str) -> bool:
        return not wanted or name in wanted

    print("| | of reachable | refused | after the start | production refused | Jain | each, a second | events |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder, redis() as server:
        file = str(Path(folder) / "pace")
        if is_wanted("one"):
            print(run("", processes=1).line("one process"), flush=True)
        for name, shared in (("nothing", ""), ("file", file), ("redis", server.url)):
            if is_wanted(name):
                print(run(shared).line(f"four, {name} shared"), flush=True)
        if is_wanted("killed"):
            killed = run(file, killed_at=20)
            print(killed.line("file, one of four killed at 20 s"), killed.seconds(), sep="\n", flush=True)
        if is_wanted("redis-lost"):
            lost = run(server.url, events={15: server.kill, 27: server.start})
            print(lost.line("Redis killed at 15 s, back at 27 s"), lost.seconds(), sep="\n", flush=True)


if __name__ == "__main__":
    main()
