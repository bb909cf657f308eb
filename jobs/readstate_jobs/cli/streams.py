"""Where stdout and stderr lead: to a reader, to a disk that is full, or nowhere."""

import contextlib
import errno
import os
import sys
from pathlib import Path

from readstate.errors import LocalDisk

_REFUSED_BY_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE}


def replace_closed_streams() -> None:
    """Make a stdout or stderr that the shell has closed (``>&-``) accept and drop what is written."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end


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
