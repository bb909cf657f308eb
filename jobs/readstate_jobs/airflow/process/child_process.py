"""Runs a readstate command that saves and ends when its parent process dies.

``python -m readstate_jobs.airflow.process.child_process PARENT_PID COMMAND …``: a worker that is killed with -9 cannot
stop its child, and its next try would find the work folder locked by an orphan.
"""

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in Linux's prctl.h


def main() -> int:
    """Tie this process to its parent, then be readstate."""
    parent_pid, *arguments = sys.argv[1:]
    _stop_when_parent_dies(int(parent_pid))
    from readstate_jobs.cli.main import main as readstate

    return readstate(arguments)


def _stop_when_parent_dies(parent_pid: int) -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone has it
    if prctl is not None:
        prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent_pid:  # it died before the call
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
