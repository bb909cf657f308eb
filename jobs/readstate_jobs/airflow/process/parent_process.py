"""One readstate command in a child process: its log is relayed, it is stopped in time, and its document is read."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from readstate_jobs.airflow.process.command_log import Log, parse_line

SAVE_SECONDS = 3.0
"""Airflow kills a task five seconds after it asked it to stop."""
UNHURRIED_SAVE_SECONDS = 20.0
"""After ``execution_timeout`` Airflow raises in the task, and does not kill it."""
EXIT_SECONDS = 0.5
POLL_SECONDS = 0.2
_KEPT_LINES = 5
_CHILD = "readstate_jobs.airflow.process.child_process"


class CommandResult(Struct, frozen=True):
    """What a command has come to."""

    exit_code: int
    document: Mapping[str, Any]
    """What it printed with ``--json``; empty where it printed none."""
    last_lines: tuple[str, ...]
    was_stopped: bool


class ReadstateProcess:
    """A command that runs while `run` waits for it.

    The worker keeps its own modules, memory and signal handlers; what readstate needs is freed when it ends.
    """

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._arguments, self._environ, self._monotonic = arguments, environ, monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._save_until = math.inf
        self._is_hurried = False

    def run(self, log: Log) -> CommandResult:
        """Start the command, pass each message of its stderr with its level to *log*, and return its result.

        When an exception is raised meanwhile, such as a task's timeout, the command is stopped before it propagates.
        """
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            relay = _StderrRelay(stderr.fileno(), log)
            self._process = process = subprocess.Popen(  # noqa: S603 - our own module, and words without a shell
                [
                    sys.executable,
                    "-m",
                    _CHILD,
                    str(os.getpid()),
                    *self._arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**self._environ, "READSTATE_LOG_FORMAT": "json"},
                # Airflow signals its task's whole process group: a second signal makes readstate exit unsaved.
                start_new_session=True,
            )
            try:
                if self._was_stopped():  # before there was a process to signal
                    process.send_signal(signal.SIGTERM)
                self._wait(process, relay)
            except BaseException:
                self._request_stop(UNHURRIED_SAVE_SECONDS)
                self._wait(process, relay)
                raise
            stdout.seek(0)
            document = _parse_document(stdout.read())
            return CommandResult(process.returncode, document, relay.last_lines, self._was_stopped())

    def stop(self) -> None:
        """Make the command save and end; may be called in a signal handler, and again."""
        self._request_stop(SAVE_SECONDS)

    def _request_stop(self, save_seconds: float) -> None:
        was_stopped = self._was_stopped()
        # A kill may follow a timeout: it shortens the time to save. Nothing makes it longer.
        self._save_until = min(self._save_until, self._monotonic() + save_seconds)
        if self._process is not None and not was_stopped:
            self._process.send_signal(signal.SIGTERM)

    def _was_stopped(self) -> bool:
        return self._save_until < math.inf

    def _wait(self, process: "subprocess.Popen[bytes]", relay: "_StderrRelay") -> None:
        while True:
            try:
                process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                relay.relay()
                self._hurry(process)
            else:
                relay.relay()
                return

    def _hurry(self, process: "subprocess.Popen[bytes]") -> None:
        now = self._monotonic()
        if now >= self._save_until + EXIT_SECONDS:
            process.kill()
        elif now >= self._save_until and not self._is_hurried:
            self._is_hurried = True
            process.send_signal(signal.SIGTERM)  # the second one: readstate exits at once, unsaved


class _StderrRelay:
    """Passes the messages of a file's new lines to *log*.

    The command writes to a file and not to a pipe: it can then save and end after its worker was killed.
    """

    def __init__(self, descriptor: int, log: Log) -> None:
        self.last_lines: tuple[str, ...] = ()
        self._descriptor, self._log, self._offset = descriptor, log, 0

    def relay(self) -> None:
        """Pass the lines that were added since the last call."""
        # The child writes at the offset that both processes share: `pread` does not move it.
        while chunk := os.pread(self._descriptor, 1 << 16, self._offset):
            end = chunk.rfind(b"\n") + 1 or len(chunk)
            self._offset += end
            for line in chunk[:end].decode(errors="replace").splitlines():
                level, message = parse_line(line)
                self.last_lines = (*self.last_lines, message)[-_KEPT_LINES:]
                self._log(level, message)


def _parse_document(stdout: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(stdout)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
