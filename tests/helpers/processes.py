"""Runs the real command in a real process, so that it can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from readstate.simulator.server.server import RunningSimulator
from tests.helpers.repository import ROOT

LONGEST_SECONDS = 120
"""However busy the machine is; nothing that goes well takes a tenth of it."""
_started: list[subprocess.Popen[str]] = []


def environment(twilio: RunningSimulator, folder: Path, **more: str) -> dict[str, str]:
    account = twilio.credentials
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TWILIO_ACCOUNT_SID": account.account_sid,
        "TWILIO_AUTH_TOKEN": account.auth_token,
        "READSTATE_BASE_URL": twilio.base_url,
        "READSTATE_WORK_DIR": str(folder / "work"),
        "COLUMNS": "200",
        **more,
    }


def start(arguments: list[str], env: dict[str, str]) -> subprocess.Popen[str]:
    return spawn([sys.executable, "-m", "readstate_jobs", *arguments], env)


def start_and_hold(arguments: list[str], env: dict[str, str], twilio: RunningSimulator) -> subprocess.Popen[str]:
    """Start ``readstate`` with *arguments*; from somewhere in the middle of its work on, nothing answers any more."""
    # So slowly that the middle lasts for seconds: it must not be missed.
    twilio.faults = replace(twilio.faults, latency_ms=100)
    process = start(arguments, env)
    wait_for_requests(twilio, 20, process)
    twilio.faults = replace(twilio.faults, outage="hang")
    return process


def kill_after_a_part(arguments: list[str], env: dict[str, str], works: Path, work: str = "*") -> None:
    """Start an export and kill it when it has written one more part below *works*."""

    def parts() -> int:
        return sum(1 for path in works.glob(f"{work}/parts/*") if not path.name.startswith("."))

    before = parts()
    process = start(arguments, env)
    wait_until(lambda: parts() > before, process)
    process.kill()
    process.communicate()


def finish(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    process = start(arguments, env)
    stdout, stderr = process.communicate(timeout=LONGEST_SECONDS)
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def spawn(command: Sequence[str], env: dict[str, str]) -> subprocess.Popen[str]:
    """Start *command*; it ends with its test, whatever becomes of that."""
    process = subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,  # so that what it starts itself can be killed with it
    )
    _started.append(process)
    return process


def kill_all() -> None:
    """Kill what a test has started and not ended, such as one that failed half-way."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def wait_until(reached: Callable[[], bool], *running: subprocess.Popen[str]) -> None:
    """Wait for something that *running* processes bring about; fails where one of them ends before it."""
    until = time.monotonic() + LONGEST_SECONDS
    while not reached():
        for process in running:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def wait_for_requests(twilio: RunningSimulator, count: int, *running: subprocess.Popen[str]) -> None:
    wait_until(lambda: twilio.counters().requests >= count, *running)
