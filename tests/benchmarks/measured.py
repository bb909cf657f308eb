"""Runs one program of a benchmark as a process of its own, and says what it took.

Imports nothing large: a new process counts the memory of the one that starts it as its first peak.
"""

import json
import os
import shlex
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.helpers.repository import ROOT

if TYPE_CHECKING:
    from tests.benchmarks.watched import Watched

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one program, with what its own processes took."""

    wall: float
    cpu: float
    peak_megabytes: float
    stdout: str


def measure(arguments: Sequence[str], env: Mapping[str, str], *, watched: "Watched | None" = None) -> Measured:
    """Run ``python`` with *arguments* to its end; fails where the program does. *watched* looks on meanwhile."""
    with tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=dict(env),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        with watched.looking_at(process.pid) if watched else nullcontext():
            stdout = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{stdout}{errors.read()}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, stdout)


@contextmanager
def simulator(*options: str) -> Iterator[dict[str, str]]:
    """A simulator as a process of its own; gives the environment that leads to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "readstate_jobs", "simulate", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        base_url = process.stdout.readline().strip()
        exported = dict(word.split("=", 1) for word in shlex.split(process.stderr.readline())[1:])
        yield {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **exported,
            "BASE_URL": base_url,
            "SERVICE": tell(base_url, "world", authorities=exported.get("SSL_CERT_FILE"))["services"][0],
            "SIMULATOR_PID": str(process.pid),
        }
    finally:
        process.terminate()
        process.wait()


def tell(
    base_url: str, what: str, method: str = "GET", content: object = None, *, authorities: str | None = None
) -> Any:
    """Send a request to the simulator's control API."""
    body = json.dumps(content).encode() if content is not None else None
    request = urllib.request.Request(f"{base_url}/_simulator/{what}", body, method=method)
    # A context reads all authorities of the system: 20 times a second that would be much.
    context = ssl.create_default_context(cafile=authorities) if authorities else None
    with urllib.request.urlopen(request, context=context) as answer:
        return json.load(answer)


def cpu_of(pid: str) -> float:
    """CPU seconds that a running process has taken so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
