"""Runs one program of a benchmark as a process of its own, and says what it took."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one program."""

    wall: float
    cpu: float
    peak_megabytes: float
    stdout: str


def measure(arguments: Sequence[str], env: Mapping[str, str], *, cpus: set[int] | None = None) -> Measured:
    """Run ``python`` with *arguments* to its end; fails where the program does."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=dict(env),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,  # noqa: PLW1509 - one thread here
    )
    assert process.stdout is not None
    stdout = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{stdout}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, stdout)


@contextmanager
def simulator(*options: str) -> Iterator[dict[str, str]]:
    """A simulator as a process of its own; gives the environment that leads to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs", "simulate", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        base_url = process.stdout.readline().strip()
        words = process.stderr.readline().split()[1:]
        yield {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **dict(word.split("=", 1) for word in words),
            "BASE_URL": base_url,
        }
    finally:
        process.terminate()
        process.wait()
