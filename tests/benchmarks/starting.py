"""How soon the command line answers: CPU of ``--help``, and the time until an export asks its first question."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Goal, Section, Spread, in_turns
from tests.benchmarks.measured import ROOT, measure

READSTATE = str(Path(sys.executable).with_name("readstate"))


def starting(rounds: int) -> Section:
    """Measure in turns, with an interpreter that does nothing beside them."""
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    figures = in_turns(
        {
            "python -c pass": lambda: measure(["-c", "pass"], env).cpu,
            "help": lambda: measure([READSTATE, "--help"], env).cpu,
            "help of a command": lambda: measure([READSTATE, "export", "--help"], env).cpu,
            "first request": lambda: _first_request(env),
        },
        rounds + 1,
    )
    # The first of each reads the files from disk.
    idle, help_, of_command, first = (Spread.of(1000 * value for value in values[1:]) for values in figures.values())
    goals = [
        Goal("`readstate --help`, CPU", help_, "at most", 120, unit=" ms"),
        Goal("`readstate export --help`, CPU", of_command, "at most", 120, unit=" ms"),
        Goal("`readstate export`, until its first request", first, "at most", 350, unit=" ms"),
    ]
    return Section("Starting", f"An interpreter that does nothing takes {idle.text(' ms')} of CPU.", (), (), goals)


def _first_request(env: dict[str, str]) -> float:
    """Seconds from the start of the process until the first bytes of a request are here."""
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        more = {
            "READSTATE_BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
            "READSTATE_WORK_DIR": folder,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "0" * 32,
        }
        server.settimeout(30)
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, READSTATE, "export", "--out", f"{folder}/root"],
            env={**env, **more}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                return time.perf_counter() - began
        finally:
            process.kill()
            process.wait()
