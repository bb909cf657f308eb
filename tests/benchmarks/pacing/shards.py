"""One account, read by one process and by several shards at once: does it go faster, and how much of it is refused?

    python -m tests.benchmarks.pacing.shards [--users 20000] [--shards 4] [--cap 50] [--latency-ms 100]
        [--ways one,shards] [--folder FOLDER] [-- ARGUMENTS OF EVERY EXPORT, such as a shared pace]

The simulator has one limit of requests at once for all clients. Both ways must publish the same rows.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.measured import Measured, measure, simulator

DAY = ("--date", "2024-11-23")
MOST_PRERENDERED = 200_000
"""Lists take about 5 KB a user of the simulator's memory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    read: Sequence[Measured]
    """Each process that asked Twilio."""
    reading_seconds: float
    publishing: Measured | None
    manifest: Mapping[str, Any]

    def describe(self, cap: int, latency: float) -> str:
        requests = self.manifest["requests"]
        served = (requests["requests"] - requests["throttled"]) / self.reading_seconds
        publishing = f" + {self.publishing.wall:.1f} s to publish" if self.publishing else ""
        processes = [*self.read, *([self.publishing] if self.publishing else [])]
        return (
            f"{self.name}: {self.manifest['users']['read']} users, {self.manifest['rows']} rows,"
            f" complete: {self.manifest['complete']}\n"
            f"  {self.reading_seconds:.1f} s{publishing}; {served:.0f} requests/s served,"
            f" {100 * served * latency / cap:.0f} % of what the cap lets through\n"
            f"  {requests['requests']} requests, {requests['throttled']} of them refused (429),"
            f" {100 * requests['throttled'] / requests['requests']:.2f} %\n"
            f"  CPU {sum(one.cpu for one in processes):.1f} s,"
            f" peak memory of a process {max(one.peak_megabytes for one in processes):.0f} MB"
        )


def main(options: argparse.Namespace) -> None:
    faults = {"concurrency_cap": options.cap, "latency_ms": options.latency_ms, "latency_sigma": 0.3}
    words = [word for name, value in faults.items() for word in ("--fault", f"{name}={value}")]
    if options.users <= MOST_PRERENDERED:
        words.append("--prerender")
    sums = set()
    with (
        TemporaryDirectory(dir=options.folder) as text,
        simulator("--users", str(options.users), "--conversations-per-user", "5", *words) as env,
    ):
        print(f"{options.users} users, at most {options.cap} requests at once, {options.latency_ms:g} ms each")
        for way in options.ways.split(","):
            folder = Path(text) / way
            env["READSTATE_WORK_DIR"] = str(folder / "work")
            if way == "one":
                outcome = one_process(folder, env, options.arguments)
            else:
                outcome = shards(options.shards, folder, env, options.arguments)
            print(outcome.describe(options.cap, options.latency_ms / 1000), flush=True)
            published = f"{folder}/root/user_conversations"
            sums.add(measure(["-m", "tests.benchmarks.peers.checksum", published], env).stdout)
    print(f"the same rows: {len(sums) == 1}")
    if len(sums) > 1:
        sys.exit(1)


def one_process(folder: Path, env: Mapping[str, str], arguments: Sequence[str]) -> Outcome:
    done = measure(["-m", "readstate_jobs", "export", "--out", str(folder / "root"), *DAY, "--json", *arguments], env)
    return Outcome("one process", [done], done.wall, None, json.loads(done.stdout)["manifest"])


def shards(count: int, folder: Path, env: Mapping[str, str], arguments: Sequence[str]) -> Outcome:
    root = str(folder / "root")

    def one(number: int) -> Measured:
        words = ["export", "--out", root, *DAY, "--run", "bench", "--shard", f"{number}/{count}", "--json", *arguments]
        return measure(["-m", "readstate_jobs", *words], env)

    began = time.perf_counter()
    with ThreadPoolExecutor(count) as threads:
        done = list(threads.map(one, range(1, count + 1)))
    seconds = time.perf_counter() - began
    publishing = measure(["-m", "readstate_jobs", "publish", root, "--run", "bench", "--json"], env)
    return Outcome(f"{count} shards", done, seconds, publishing, json.loads(publishing.stdout)["manifest"])


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--cap", type=int, default=50)
    parser.add_argument("--latency-ms", type=float, default=100)
    parser.add_argument("--ways", default="one,shards", help="one, shards, or both")
    parser.add_argument("--folder", help="where to work; the system's temporary folder unless given")
    parser.add_argument("arguments", nargs="*", help="of every export, after --")
    return parser.parse_args()


if __name__ == "__main__":
    main(parsed())
