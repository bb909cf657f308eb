"""How fast is an apply beside a bare loop that sends the same POSTs with as many at once, and keeps no journal?

``python -m tests.benchmarks.apply_speed [ROWS] [AT_ONCE] [LATENCY_MS]``. An apply reads each row before it writes it:
those readings are requests too, so requests per second are compared, not rows. Each side has a simulator of its own,
in a process of its own.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path

import aiohttp
import pyarrow.parquet as pq

from readstate.changes.plans.reader import Plan, open_plan
from readstate.simulator.api.credentials import Credentials
from tests.benchmarks import apply_lines
from tests.helpers.repository import ROOT

_ACCOUNT = Credentials()


def main(rows: int, at_once: int, latency_ms: float) -> None:
    """Plan once; the bare loop on one simulator, the apply on its twin."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        bare = _measure_bare(folder / "bare", rows, at_once, latency_ms)
        ours, spent = _measure_apply(folder / "ours", rows, at_once, latency_ms)
        print(f"{rows} rows, {at_once} at once, {latency_ms:g} ms of service time")
        print(f"bare loop  {bare:8.0f} requests/s, one for each row")
        print(f"apply      {ours:8.0f} requests/s, two for each row and those read back; {spent:.1f} s")
        print(f"ratio      {ours / bare:8.2f}")


def _measure_bare(folder: Path, rows: int, at_once: int, latency_ms: float) -> float:
    with _Simulator(latency_ms) as url:
        plan = _planned(folder, url, rows)
        return asyncio.run(_bare(plan, url, at_once))


async def _bare(plan: Plan, url: str, at_once: int) -> float:
    todo = [row for row in plan.rows() if row.disposition == "update"]
    service = plan.manifest.service_sid
    basic = b64encode(f"{_ACCOUNT.account_sid}:{_ACCOUNT.auth_token}".encode()).decode()

    async def work(session: aiohttp.ClientSession) -> None:
        while todo:
            row = todo.pop()
            path = f"{url}/v1/Services/{service}/Users/{row.user_sid}/Conversations/{row.conversation_sid}"
            async with session.post(path, data={"NotificationLevel": "muted"}) as answer:
                assert answer.status == 200, answer.status
                await answer.read()

    number = len(todo)
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Basic {basic}"}, connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        began = time.monotonic()
        await asyncio.gather(*(work(session) for _ in range(at_once)))
        return number / (time.monotonic() - began)


def _measure_apply(folder: Path, rows: int, at_once: int, latency_ms: float) -> tuple[float, float]:
    with _Simulator(latency_ms) as url:
        plan = _planned(folder, url, rows)
        began = time.monotonic()
        run_dir = _command(folder, url, "apply", str(plan.directory), "--writes-per-second", "100000",
                           "--max-in-flight", str(at_once), "--canary", "0", "--verify", "none")  # fmt: skip
        spent = time.monotonic() - began
        table = pq.read_table(next(run_dir.glob("r-*/results.parquet")), columns=["first_sent_at", "settled_at"])
        begin, end = min(table.column(0).to_pylist()), max(table.column(1).to_pylist())
        return 2 * plan.manifest.counts["update"] / (end - begin).total_seconds(), spent


def _planned(folder: Path, url: str, rows: int) -> Plan:
    folder.mkdir()
    apply_lines.write(folder / "changes.csv", rows)
    plans = folder / "plans"
    _command(folder, url, "plan", str(folder / "changes.csv"), "-o", str(plans))
    return open_plan(next(plans.glob("p-*")))


def _command(folder: Path, url: str, *arguments: str) -> Path:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "READSTATE_BASE_URL": url,
        "READSTATE_WORK_DIR": str(folder / "work"), "TWILIO_ACCOUNT_SID": _ACCOUNT.account_sid,
        "TWILIO_AUTH_TOKEN": _ACCOUNT.auth_token,
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "readstate_jobs", *arguments], env=environment, check=True, capture_output=True,
        cwd=ROOT,
    )  # fmt: skip
    return folder / "work" / "runs"


class _Simulator:
    """A simulator in a process of its own, so that it does not share the client's core."""

    def __init__(self, latency_ms: float) -> None:
        self._arguments = [
            "simulate", "--users", str(apply_lines.SHAPE.users), "--services", "1", "--odd-identities", "0",
            "--fault", f"latency_ms={latency_ms}", "--fault", "concurrency_cap=none",
            "--behaviour", "actions_per_second=0",
        ]  # fmt: skip

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "readstate_jobs", *self._arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        match = re.search(r"http://\S+", line)
        assert match, line
        return match[0]

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


if __name__ == "__main__":
    given = [float(argument) for argument in sys.argv[1:4]]
    values = given + [5_000, 16, 20][len(given) :]
    main(int(values[0]), int(values[1]), values[2])
