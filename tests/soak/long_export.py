"""A long export from an account with a small cap and other traffic: prints goodput, refusals and memory over time.

python -m tests.soak.long_export [MINUTES] [CAP]
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from tests.benchmarks.measured import ROOT, simulator, tell
from tests.benchmarks.pacing.frontier import reachable

_EVERY = 10.0
_SERVICE = 0.12
_ROUND_TRIP = 0.012


@dataclass(frozen=True, slots=True)
class Sample:
    """What was counted since the sample before."""

    minute: float
    accepted: float
    """Answers other than 429 to the export, a second."""
    production_refused: float
    """Share of the other traffic."""
    megabytes: float


def main(minutes: float = 30.0, cap: int = 50) -> None:
    production = cap / _SERVICE / 10
    left_over = cap / _SERVICE - production
    users = int(left_over * 60 * minutes)
    faults = {
        "concurrency_cap": cap,
        "background_requests_per_second": production,
        "latency_ms": _SERVICE * 1000,
        "latency_sigma": 0.5,
        "rtt_ms": _ROUND_TRIP * 1000,
    }
    options = ["--users", str(users), "--conversations-per-user", "5"]
    options += [word for name, value in faults.items() for word in ("--fault", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as folder, simulator(*options) as environment:
        samples, manifest = _exported(Path(folder), environment)
    most = reachable(cap, service=_SERVICE, round_trip=_ROUND_TRIP, production=production)
    print(_summary(samples, manifest, left_over=left_over, most=most))


def _exported(folder: Path, environment: Mapping[str, str]) -> tuple[list[Sample], dict]:
    command = [sys.executable, "-m", "readstate_jobs", "export", "--out", str(folder / "root"), "--json"]
    env = {**environment, "READSTATE_WORK_DIR": str(folder / "work")}
    samples: list[Sample] = []
    with subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        began, before = time.monotonic(), (0, 0, 0, 0)
        while process.poll() is None:
            ended = time.monotonic() + _EVERY
            while process.poll() is None and time.monotonic() < ended:
                time.sleep(0.2)
            now = _counted(environment["BASE_URL"])
            if process.poll() is None:
                minute = (time.monotonic() - began) / 60
                samples.append(_sample(minute, before, now, _megabytes(process.pid)))
            before = now
        assert process.stdout is not None
        document = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"the export ended with {process.returncode}:\n{document}")
    return samples, json.loads(document)["manifest"]


def _counted(base_url: str) -> tuple[int, int, int, int]:
    counters = tell(base_url, "counters")
    refused = sum(counters["refusals"].values())
    background = counters["background"]
    return counters["requests"], refused, background["arrived"], background["refused"]


def _sample(
    minute: float, before: tuple[int, int, int, int], now: tuple[int, int, int, int], megabytes: float
) -> Sample:
    requests, refused, arrived, turned_away = (new - old for new, old in zip(now, before, strict=True))
    return Sample(minute, (requests - refused) / _EVERY, turned_away / max(1, arrived), megabytes)


def _megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _summary(samples: list[Sample], manifest: dict, *, left_over: float, most: float) -> str:
    steady = samples[1:-1]
    goodput = fmean(sample.accepted for sample in steady)
    counts = manifest["requests"]
    memory = [sample.megabytes for sample in steady]
    return (
        f"{samples[-1].minute:.1f} minutes, {counts['requests']:,} requests, {manifest['rows']:,} rows, "
        f"complete: {manifest['complete']}. Goodput {goodput:.0f} a second: {goodput / left_over:.1%} of what other "
        f"traffic leaves, {goodput / most:.1%} of what is reachable. "
        f"Refused {counts['throttled'] / counts['requests']:.2%}, "
        f"other traffic {fmean(sample.production_refused for sample in steady):.2%}. Memory: median of the first "
        f"third {median(memory[: len(memory) // 3]):.0f} MB, of the last {median(memory[-len(memory) // 3 :]):.0f} MB, "
        f"most {max(memory):.0f} MB."
    )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]), *map(int, sys.argv[2:3]))
