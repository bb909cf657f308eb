"""Starts ``readstate`` again and again without importing it again: a process that is forked for each command.

``python -m tests.helpers.forking_server``: reads one JSON object a line, ``{"argv", "env", "stdout", "stderr"}``, the
last two names of files. Answers each with two lines: the pid of the new process, and its exit code, negative for a
signal.
"""

import ctypes
import json
import os
import signal
import sys
from importlib import import_module
from typing import Any

from readstate_jobs.cli.entry import block_optional_imports, entry
from readstate_jobs.cli.main import COMMANDS

_LATE_IMPORTS = ("aiohttp", "duckdb", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "jinja2", "uvloop")


def main() -> None:
    block_optional_imports()
    for name in (*(command.module for command in COMMANDS.values()), *_LATE_IMPORTS):
        import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line))
            entry()
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(wanted: dict[str, Any]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(wanted["env"])
    os.chdir(os.environ["HOME"])
    sys.argv = ["readstate", *wanted["argv"]]
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, wanted["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, wanted["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arm = getattr(ctypes.CDLL(None), "failing_disk_arm", None)
    if arm is not None:  # the library of `failing_disk` is loaded
        arm()


if __name__ == "__main__":
    main()
