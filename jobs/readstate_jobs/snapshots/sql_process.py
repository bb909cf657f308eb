"""Runs one query in a process of its own, which is ended when it takes too long or too much memory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Event, Thread
from typing import IO

import pyarrow as pa
from msgspec import Struct, field

from readstate import errors
from readstate.disk.files import MORE_ROOM, scratch_folder, translate_os_errors
from readstate.errors import BadInput, LocalDisk, ReadstateError, StoppedEarly
from readstate.snapshot.query.result import QueryResult, out_of_memory
from readstate.text import format_duration, format_size

MEMORY_BYTES = 2_000_000_000
_POLL_SECONDS = 0.02


@contextmanager
def run_in_process(root: str, day: date | None, query: str, *, timeout_seconds: float) -> Iterator[QueryResult]:
    """Run *query* over the snapshots below *root* for as long as the block lasts.

    Raise, also while the rows are read: `BadInput` for a wrong query and for one that takes more than `MEMORY_BYTES`
    (where the system tells it: on Linux), `StoppedEarly` after *timeout_seconds*, and `LocalDisk`.
    """
    with scratch_folder() as folder, _messages(folder) as stderr:
        process = subprocess.Popen(
            # -P: no module of the current folder is imported.
            [sys.executable, "-P", "-m", "readstate_jobs.snapshots.sql_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"TMPDIR": str(folder)},
            start_new_session=True,  # Ctrl-C is for this process, which then kills the other
        )
        watch = _Watch(process, timeout_seconds)
        try:
            watch.start()
            yield _result(
                process, watch, stderr, {"root": root, "day": None if day is None else day.isoformat(), "query": query}
            )
        finally:
            process.kill()
            process.wait()
            watch.end()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


@contextmanager
def _messages(folder: Path) -> Iterator[IO[bytes]]:
    """Yield the file that the process writes its error to: a pipe that nobody reads meanwhile could be full."""
    path = folder / "stderr"
    with translate_os_errors(path, hint=MORE_ROOM):
        file = path.open("w+b")
    with file:
        yield file


class _Watch(Struct):
    """Kills *process* when it exceeds a limit, and says which."""

    process: "subprocess.Popen[bytes]"
    timeout_seconds: float
    exceeded: ReadstateError | None = None
    _ended: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._run, args=(time.monotonic() + self.timeout_seconds,))
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, until: float) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            if _resident_bytes(self.process.pid) > MEMORY_BYTES:
                self.exceeded = out_of_memory(f"{format_size(MEMORY_BYTES)} of memory")
            elif time.monotonic() > until:
                self.exceeded = StoppedEarly(
                    f"the query was not done after {format_duration(self.timeout_seconds)}",
                    hint="Filter before joining, or give it more time: --timeout 3h.",
                )
            if self.exceeded is not None:
                self.process.kill()
                return


def _result(
    process: "subprocess.Popen[bytes]", watch: _Watch, stderr: IO[bytes], request: dict[str, str | None]
) -> QueryResult:
    assert process.stdin is not None
    # The pipe stays open: its end tells the process that this one has died.
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        stream = pa.ipc.open_stream(process.stdout)
    except (pa.ArrowInvalid, OSError):
        raise _error_of(process, watch, stderr) from None
    return QueryResult(stream.schema, _batches(stream, process, watch, stderr))


def _batches(
    stream: pa.RecordBatchReader, process: "subprocess.Popen[bytes]", watch: _Watch, stderr: IO[bytes]
) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = next(stream, None)
        except (pa.ArrowInvalid, OSError):  # the stream ends within a batch: the process has been killed
            raise _error_of(process, watch, stderr) from None
        if batch is not None:
            yield batch
        elif process.wait() == 0:
            return
        else:
            raise _error_of(process, watch, stderr)


def _error_of(process: "subprocess.Popen[bytes]", watch: _Watch, stderr: IO[bytes]) -> Exception:
    """Return the error that ended *process*."""
    code = process.wait()
    watch.end()
    if watch.exceeded is not None:
        return watch.exceeded
    if code < 0:
        return BadInput(
            f"the query ended the process of its database ({signal.Signals(-code).name})",
            hint="Simplify the query. SIGKILL usually means that this machine is short of memory.",
        )
    stderr.seek(0)
    written = stderr.read().decode(errors="replace")
    if not written:
        return LocalDisk(f"{stderr.name}: the process of the query could not write its error there", hint=MORE_ROOM)
    try:
        told = json.loads(written)
    except ValueError:
        return RuntimeError(written)
    kind: type[ReadstateError] = getattr(errors, told["kind"])
    return kind(told["message"], hint=told["hint"])


def _resident_bytes(pid: int) -> int:
    """Return the memory of a process; 0 where the system does not tell it."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:  # what was buffered for a process that is gone
        pass
