"""One readstate command in a process of its own: followed, stopped in time, and its answer read."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SECONDS_TO_SAVE = 3.0
"""Airflow 3 kills a task five seconds after it asked it to stop."""
_SECONDS_UNHURRIED = 20.0
"""After `execution_timeout` Airflow raises in the task and does not kill it."""
_SECONDS_TO_LEAVE = 0.5
_SECONDS_BETWEEN_LOOKS = 0.2
_KEPT_LINES = 5


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended."""

    code: int
    document: Mapping[str, Any]
    """What it printed with ``--json``; empty where it printed none."""
    last_lines: tuple[str, ...]
    was_stopped: bool


class ReadstateProcess:
    """A command that runs while `follow` waits for it.

    The worker keeps its own modules, memory and signal handlers; what readstate needs is given back when it ends.
    """

    def __init__(self, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self._words, self._environ = words, environ
        self._process: subprocess.Popen[bytes] | None = None
        self._was_asked = False
        self._signals: list[tuple[float, signal.Signals]] = []

    def follow(self, tell: Callable[[str], None]) -> Ending:
        """Start the command, *tell* each line of its story, and say how it ended.

        Where an exception is raised meanwhile, such as a task's timeout, the command is stopped first.
        """
        with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as told:
            story = _Story(told.fileno())
            self._process = process = subprocess.Popen(  # noqa: S603 - our own module, and words without a shell
                [sys.executable, "-m", "readstate_jobs.airflow.child_process", str(os.getpid()), *self._words],
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=told,
                env=dict(self._environ),
                # Airflow signals its task's whole process group: a second signal makes readstate leave unsaved.
                start_new_session=True,
            )
            try:
                if self._was_asked:  # before there was anybody to be told
                    process.send_signal(signal.SIGTERM)
                self._wait(process, story, tell)
            except BaseException:
                self._ask_to_end(_SECONDS_UNHURRIED)
                self._wait(process, story, tell)
                raise
            answer.seek(0)
            return Ending(process.returncode, _document(answer.read()), story.last, self._was_asked)

    def stop(self) -> None:
        """Ask the command to save and end; may be called in a signal handler, and again."""
        self._ask_to_end(SECONDS_TO_SAVE)

    def _ask_to_end(self, within_seconds: float) -> None:
        until = time.monotonic() + within_seconds
        if self._was_asked and (not self._signals or until >= self._signals[-1][0]):
            return
        was_asked, self._was_asked = self._was_asked, True
        self._signals = [
            (until + _SECONDS_TO_LEAVE, signal.SIGKILL),
            (until, signal.SIGTERM),  # the second one: readstate leaves at once
        ]
        if self._process is not None and not was_asked:
            self._process.send_signal(signal.SIGTERM)

    def _wait(self, process: "subprocess.Popen[bytes]", story: "_Story", tell: Callable[[str], None]) -> None:
        while True:
            try:
                process.wait(_SECONDS_BETWEEN_LOOKS)
            except subprocess.TimeoutExpired:
                story.relay(tell)
                if self._signals and time.monotonic() >= self._signals[-1][0]:
                    process.send_signal(self._signals.pop()[1])
            else:
                story.relay(tell)
                return


class _Story:
    """The command's stderr: a file and no pipe, so that it can be written to when nobody is left to read it."""

    def __init__(self, descriptor: int) -> None:
        self.last: tuple[str, ...] = ()
        self._descriptor, self._told = descriptor, 0

    def relay(self, tell: Callable[[str], None]) -> None:
        """*tell* the lines that have come since."""
        # The writer shares the file's offset: read without moving it.
        while chunk := os.pread(self._descriptor, 1 << 16, self._told):
            whole = chunk.rfind(b"\n") + 1 or len(chunk)
            self._told += whole
            for line in chunk[:whole].decode(errors="replace").splitlines():
                self.last = (*self.last, line)[-_KEPT_LINES:]
                tell(line)


def _document(answer: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(answer)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
