"""Runs ``readstate`` on a disk of which one operation fails, is short, or kills the process."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.cli_shell import CommandOutput
from tests.helpers.repository import ROOT
from tests.helpers.warm_python import Call, WarmPython

_NEEDED = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
_SOURCE = ROOT / "tests" / "soak" / "failing_disk.c"


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
    """Runs commands, each on a disk with at most one fault."""

    def __init__(self, python: WarmPython, library: Path, trace: Path) -> None:
        self._python = python
        self._library = library
        self._trace = trace

    def run(
        self, arguments: list[str], env: dict[str, str], *, folder: Path, fault: DiskFault | None = None
    ) -> CommandOutput:
        """Run a command in *folder*, below which the fault strikes; its `operations` stay until the next one runs."""
        self._trace.unlink(missing_ok=True)
        # LD_PRELOAD for what the command starts itself: it has the library already.
        disk = {
            "LD_PRELOAD": str(self._library),
            "FAILING_DISK_FOLDERS": str(folder),
            "FAILING_DISK_TRACE": str(self._trace),
        }
        if fault is not None:
            disk["FAILING_DISK_FAULT"] = str(fault)
        ended = self._python.run(Call(words=arguments, folder=str(folder), environment=env | disk))
        return CommandOutput(ended.code, ended.stdout, ended.stderr)

    def operations(self) -> list[tuple[str, str]]:
        """Return (operation, path) of the last command: all of them, or those that its fault has struck."""
        if not self._trace.exists():
            return []
        return [tuple(line.split(" ", 1)) for line in self._trace.read_text().splitlines()]  # type: ignore[misc]


@contextmanager
def failing_disk(scratch: Path) -> Iterator[FailingDisk]:
    """Build the library into *scratch*, and start the process that commands are forked from."""
    library = scratch / "failing_disk.so"
    subprocess.run([compiler() or "cc", "-O1", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
    python = WarmPython(
        {name: os.environ[name] for name in _NEEDED if name in os.environ} | {"LD_PRELOAD": str(library)}
    )
    try:
        yield FailingDisk(python, library, scratch / "trace")
    finally:
        python.close()
