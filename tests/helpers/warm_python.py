"""Runs ``readstate`` in many processes without waiting for Python each time: forks of one that has imported it all.

A fork gets streams, environment, folder and user of its own, as a new interpreter sets them up, and goes through the
real entry point. Only the last of Python's shutdown is left out, which takes all modules apart.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import IO, Any, Literal

from tests.helpers.repository import ROOT

LONGEST_SECONDS = 60
Stream = Literal["pipe", "terminal", "closed", "full", "broken"]
"""Where a stream leads to: *full* is a disk without room, *broken* a pipe whose reader has gone."""

NOBODY = 54_321
"""A user that has no name."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One command line and its surroundings."""

    words: list[str]
    folder: str
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: Literal["nothing", "closed", "terminal"] = "nothing"
    stdout: Stream = "pipe"
    stderr: Stream = "pipe"
    folder_vanishes: bool = False
    by_nobody: bool = False
    respects_permissions: bool = False
    """Root may write anywhere, unless it gives that up."""


@dataclass(frozen=True)
class Ended:
    """How a call has ended: its exit code, or minus the signal that ended it."""

    code: int
    stdout: str
    stderr: str


class WarmPython:
    """A process that forks for each call; *environment* is what it starts with itself, such as its locale."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.warm_python"],
            env={"PATH": os.environ["PATH"], **environment},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
        )

    def run(self, call: Call) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(call)), file=self._process.stdin, flush=True)
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


def _serve() -> None:
    """Carry out a call for each line of stdin; returns in each fork, and when there are no more."""
    requests, answers = (os.fdopen(os.dup(number), mode, encoding="ascii") for number, mode in ((0, "r"), (1, "w")))
    for line in requests:
        call = Call(**json.loads(line))
        outputs = {number: _Output(kind) for number, kind in ((1, call.stdout), (2, call.stderr))}
        if (pid := os.fork()) == 0:
            requests.close()
            answers.close()
            _become(call, outputs)
            return
        for output in outputs.values():
            output.close_ours()
        texts = _read_all([output.reading for output in outputs.values()])
        _, status = os.waitpid(pid, 0)
        ended = Ended(os.waitstatus_to_exitcode(status), *(text.decode("utf-8", "backslashreplace") for text in texts))
        print(json.dumps(asdict(ended)), file=answers, flush=True)
    os._exit(0)


class _Output:
    """The two ends of a stream of a call: what the command writes to, and what we read from."""

    def __init__(self, kind: Stream) -> None:
        self.reading: int | None = None
        self.writing: int | None = None
        match kind:
            case "pipe":
                self.reading, self.writing = os.pipe()
            case "terminal":
                self.reading, self.writing = pty.openpty()
            case "full":
                self.writing = os.open("/dev/full", os.O_WRONLY)
            case "broken":
                reading, self.writing = os.pipe()
                os.close(reading)

    def close_ours(self) -> None:
        if self.writing is not None:
            os.close(self.writing)


def _read_all(streams: list[int | None]) -> list[bytes]:
    found = {stream: b"" for stream in streams if stream is not None}
    left = set(found)
    while left:
        for stream in select.select(left, [], [])[0]:
            try:
                chunk = os.read(stream, 1 << 16)
            except OSError:  # what a terminal answers whose other end is closed
                chunk = b""
            found[stream] += chunk
            if not chunk:
                os.close(stream)
                left.remove(stream)
    return [b"" if stream is None else found[stream] for stream in streams]


def _become(call: Call, outputs: dict[int, _Output]) -> None:
    """Turn this fork into the process that *call* asks for."""
    os.setsid()
    signal.alarm(LONGEST_SECONDS)
    if call.words[0] == "simulate":
        _terminate_when_ready()
    os.environ.clear()
    os.environ.update(call.environment)
    os.chdir(call.folder)
    if call.folder_vanishes:
        Path(call.folder).rmdir()
    match call.stdin:
        case "closed":
            os.close(0)
        case "nothing":
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        case "terminal":
            os.dup2(pty.openpty()[1], 0)
    for number, output in outputs.items():
        if output.writing is None:
            os.close(number)
        else:
            os.dup2(output.writing, number)
    os.closerange(3, 256)
    if call.respects_permissions and os.geteuid() == 0:
        _give_up_writing_anywhere()
    if call.by_nobody:
        os.setresuid(NOBODY, 0, 0)
    sys.stdin = sys.__stdin__ = _text_stream(0, "r", errors="strict")  # type: ignore[assignment, misc]
    sys.stdout = sys.__stdout__ = _text_stream(1, "w", errors="strict")  # type: ignore[assignment, misc]
    sys.stderr = sys.__stderr__ = _text_stream(2, "w", errors="backslashreplace")  # type: ignore[assignment, misc]
    sys.argv = ["readstate", *call.words]


def _text_stream(number: int, mode: Literal["r", "w"], *, errors: str) -> IO[str] | None:
    """Return what Python makes of a standard stream when it starts: None for a closed one."""
    try:
        os.fstat(number)
    except OSError:
        return None
    encoding, _, wanted = os.environ.get("PYTHONIOENCODING", "").partition(":")
    buffer: Any = open(number, f"{mode}b", closefd=False)  # noqa: SIM115 - open to the end
    return TextIOWrapper(
        buffer,
        encoding=encoding or sys.getfilesystemencoding(),
        errors="backslashreplace" if number == 2 else wanted or errors,
        line_buffering=number == 2 or os.isatty(number),
    )


def _give_up_writing_anywhere() -> None:
    """Drop the capability by which root ignores permissions (CAP_DAC_OVERRIDE)."""
    libc = ctypes.CDLL(None)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    sets[0] &= ~(1 << 1)
    assert libc.capset(header, sets) == 0


def _terminate_when_ready() -> None:
    """Send SIGTERM to this process as soon as it has a handler for it."""

    def look(_number: int, _frame: FrameType | None) -> None:
        if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)


def _shut_down(code: int) -> None:
    """End as Python does: wait for threads, call what is registered, flush, and 120 where that fails."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120
    os._exit(code)


def _import_all() -> None:
    from readstate_jobs.help.command import load
    from readstate_jobs.help.commands import COMMANDS

    for name in COMMANDS:
        if name not in {"sql", "report"}:  # DuckDB complains when a process ends in which it is frozen
            load(name).job()
    for name in ("aiohttp", "jinja2", "uvloop", "pyarrow.parquet", "pyarrow.compute", "pyarrow.dataset",
                 "readstate.twilio.transport.aiohttp_transport", "rich.live"):  # fmt: skip
        importlib.import_module(name)


if __name__ == "__main__":
    from readstate_jobs.cli.entry import entry
    from readstate_jobs.cli.optional_imports import block_optional_imports

    block_optional_imports()
    _import_all()
    gc.freeze()  # otherwise each fork looks through all of it again
    _serve()
    try:
        entry()
    except SystemExit as ended:
        _shut_down(ended.code if isinstance(ended.code, int) else 1)
