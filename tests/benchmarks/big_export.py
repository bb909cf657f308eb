"""A large export beside the official client's listing of a slice of the same world, in one run.

    python -m tests.benchmarks.big_export [WORLD] [SLICE] [PARALLEL]

The simulator has no caps and no latency, and renders its lists beforehand.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measured import measure, simulator


def main(world: int = 200_000, part: int = 20_000, parallel: int = 50) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        simulator("--users", str(world), "--conversations-per-user", "5", "--fault", "concurrency_cap=none",
                  "--prerender") as env,
    ):  # fmt: skip
        env["READSTATE_WORK_DIR"] = str(Path(folder) / "work")
        theirs = measure(["-m", "tests.benchmarks.official_client", str(part), str(parallel)], env)
        mine = measure(
            ["-m", "jobs", "export", "--out", str(Path(folder) / "root"), "--json", "--max-in-flight", str(parallel)],
            env,
        )
        again = measure(["-m", "tests.benchmarks.official_client", str(part), str(parallel)], env)
    manifest = json.loads(mine.stdout)["manifest"]
    users, requests, rows = manifest["users"]["read"], manifest["requests"]["requests"], manifest["rows"]
    cpu = 1e6 * mine.cpu / requests
    size = sum(file["bytes"] for file in manifest["files"])
    print(f"readstate export: {users} users, {rows} rows, {requests} requests, complete: {manifest['complete']}")
    print(f"  wall {mine.wall:.1f} s, {rows / mine.wall:.0f} rows/s, {requests / mine.wall:.0f} requests/s")
    print(f"  peak memory {mine.peak_megabytes:.0f} MB, CPU {mine.cpu:.1f} s, {cpu:.0f} µs a request")
    print(f"  {size / rows:.0f} bytes a row in Parquet")
    for run in (theirs, again):
        told = json.loads(run.stdout)
        print(f"official client, asynchronous: {told['users']} users, {told['rows']} rows, {told['requests']} requests")
        print(f"  wall {run.wall:.1f} s, {told['rows'] / told['seconds']:.0f} rows/s")
        print(
            f"  peak memory {run.peak_megabytes:.0f} MB, CPU {run.cpu:.1f} s,"
            f" {1e6 * run.cpu / told['requests']:.0f} µs a request"
        )
        print(f"  readstate: {rows / mine.wall / (told['rows'] / told['seconds']):.1f} times the rows per second")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
