"""Runs ``readstate`` on a disk of which one operation fails, is short, or kills the process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.cli_shell import CommandOutput
from tests.helpers.repository import ROOT

_SOURCE = ROOT / "tests" / "soak" / "failing_disk.c"
LONGEST_SECONDS = 60
"""Beyond this a command hangs; undisturbed, it takes about one."""
HUNG = 1_000
"""In place of the exit code of a command that had to be killed after that time."""


@dataclass(frozen=True, slots=True)
class DiskFault:
    """What strikes operation *number*, from 1, of those on paths like *pattern*; failing_disk.c names the faults."""

    operation: str
    pattern: str
    number: int
    fault: str
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.operation} {self.number} {self.fault} {'on' if self.lasting else 'once'} {self.pattern}"


def compiler() -> str | None:
    """Return a C compiler that can build the library, or None."""
    return shutil.which("cc") if sys.platform == "linux" else None


class FailingDisk:
    """A process that runs commands, each on a disk with at most one fault below *folder*."""

    def __init__(self, server: "subprocess.Popen[str]", scratch: Path) -> None:
        self._server = server
        self._scratch = scratch

    def run(
        self, arguments: list[str], env: dict[str, str], *, folder: Path, fault: DiskFault | None = None
    ) -> CommandOutput:
        """Run a command. Its `operations` are readable until the next one runs."""
        self._trace.unlink(missing_ok=True)
        shim = {"FAILING_DISK_FOLDERS": str(folder), "FAILING_DISK_TRACE": str(self._trace)}
        if fault is not None:
            shim["FAILING_DISK_FAULT"] = str(fault)
        stdout, stderr = self._scratch / "stdout", self._scratch / "stderr"
        wanted = {"argv": arguments, "env": {**env, **shim}}
        self._tell(json.dumps(wanted | {"stdout": str(stdout), "stderr": str(stderr)}))
        pid, hung = int(self._answer()), threading.Event()

        def end() -> None:
            hung.set()
            os.kill(pid, signal.SIGKILL)

        timer = threading.Timer(LONGEST_SECONDS, end)
        timer.start()
        try:
            code = int(self._answer())
        finally:
            timer.cancel()
        return CommandOutput(
            HUNG if hung.is_set() else code, stdout.read_text(errors="replace"), stderr.read_text(errors="replace")
        )

    def operations(self) -> list[tuple[str, str]]:
        """Return (operation, path) of the last command: all of them, or those that its fault has struck."""
        if not self._trace.exists():
            return []
        return [tuple(line.split(" ", 1)) for line in self._trace.read_text().splitlines()]  # type: ignore[misc]

    @property
    def _trace(self) -> Path:
        return self._scratch / "trace"

    def _tell(self, line: str) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()

    def _answer(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline()


@contextmanager
def failing_disk(scratch: Path) -> Iterator[FailingDisk]:
    """Build the library into *scratch*, and start the process that commands are forked from."""
    library = scratch / "failing_disk.so"
    subprocess.run([compiler() or "cc", "-O1", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.forking_server"],
        cwd=ROOT, env={**os.environ, "LD_PRELOAD": str(library)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as server:  # fmt: skip
        disk = FailingDisk(server, scratch)
        assert disk._answer() == "ready\n"
        try:
            yield disk
        finally:
            assert server.stdin is not None
            server.stdin.close()
