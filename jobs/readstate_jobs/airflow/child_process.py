"""Runs a readstate command that stops, saved and resumable, when the process that started it dies.

``python -m readstate_jobs.airflow.child_process PARENT_PID COMMAND …``: a worker that is killed with -9 can tell
nobody, and its next try would find the work folder locked by an orphan.
"""

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in Linux's prctl.h


def main() -> int:
    """Tie this process to its parent, then be readstate."""
    parent, *words = sys.argv[1:]
    _tie_to(int(parent))
    from readstate_jobs.cli.main import main as readstate

    return readstate(words)


def _tie_to(parent: int) -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone has it
    if prctl is not None:
        prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
