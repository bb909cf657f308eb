"""Runs ``readstate`` in processes of their own, to be killed, watched, or started at a crash point."""

import subprocess
import sys
from collections.abc import Sequence

from tests.helpers.cli_shell import CommandOutput, Shell
from tests.helpers.processes import spawn


class ProcessShell(Shell):
    """A shell that starts processes too."""

    def run(self, *arguments: str, module: Sequence[str] = ("readstate_jobs",), timeout: float = 300) -> CommandOutput:
        process = self.start(*arguments, module=module)
        stdout, stderr = process.communicate(timeout=timeout)
        return CommandOutput(process.returncode, stdout, stderr)

    def start(self, *arguments: str, module: Sequence[str] = ("readstate_jobs",)) -> subprocess.Popen[str]:
        return spawn([sys.executable, "-m", *module, *arguments], self.environment())
