"""Where stdin, stdout and stderr lead: to a person, a program, a full disk, or nowhere."""

import codecs
import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from readstate.errors import LocalDisk

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_REFUSED_BY_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE}

_MOST_BYTES_UNREAD = 1 << 20
"""A result of this size is still made to its end when its reader has gone, so that the exit code tells how it went."""

_REPLACEMENTS = str.maketrans({
    "✓": "+", "✗": "x", "×": "x", "…": "...", "→": "->", "≥": ">=", "≤": "<=", "–": "-", "—": "-", "─": "-", "━": "-",
    "│": "|", "·": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "\xa0": " ", "\u202f": " ", "╸": "-", "╺": "-",
})  # fmt: skip
"""Our own signs for terminals that have none of them; all else becomes an escape, which tells what it was."""


def prepare_streams() -> None:
    """Make the standard streams of this process take whatever is written, wherever they lead.

    What a stream cannot show is replaced. Messages that nobody can read any more are dropped, and do not end a run.
    """
    _open_closed_streams()
    codecs.register_error("readstate.replaced", _replaced)
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout = _rebuilt(sys.stdout, _Result(1, "w", closefd=False))
    sys.stderr = _rebuilt(sys.stderr, _Story(2, "w", closefd=False))


def discard_unwritable_streams() -> None:
    """Drop the output that a full disk has refused: Python would try to write it once more while it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def disk_error(error: OSError) -> LocalDisk | None:
    """Return *error* with what to do about it where a file, or the disk below the output, was the matter; else None."""
    if error.errno is None or (error.filename is None and error.errno not in _REFUSED_BY_A_DISK):
        return None
    return LocalDisk(
        f"{error.filename or 'the output or a temporary file'}: {os.strerror(error.errno)}",
        hint="Make room or correct the permissions, then run the same command again; what was saved can be resumed.",
    )


class _Story(io.FileIO):
    """Stderr: what cannot be written is dropped, because a run does not depend on being watched."""

    def write(self, content: "ReadableBuffer", /) -> int:
        try:
            return super().write(content)
        except OSError:
            return memoryview(content).nbytes


class _Result(io.FileIO):
    """Stdout: where the reader has gone, such as `head`, a short rest is dropped, and a long one ends the command."""

    _dropped = 0

    def write(self, content: "ReadableBuffer", /) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            self._dropped += memoryview(content).nbytes
            if self._dropped > _MOST_BYTES_UNREAD:
                raise
            return memoryview(content).nbytes


def _open_closed_streams() -> None:
    """Open those of the three streams that are closed (``>&-``) on nothing.

    Otherwise the next file or socket would become a standard stream, and libuv aborts the process that closes one.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a number


def _rebuilt(stream: TextIO, raw: io.FileIO) -> TextIO:
    by_line = raw.isatty() or raw.fileno() == 2
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors="readstate.replaced", line_buffering=by_line
    )


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return ASCII for the characters that an encoding does not have; a handler of `codecs`."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(_REPLACEMENTS)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
