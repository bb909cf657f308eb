"""Where stdout and stderr lead: to a reader, to a disk that is full, or nowhere."""

import contextlib
import errno
import os
import sys

from readstate.errors import LocalDisk

_FULL = {errno.ENOSPC, errno.EDQUOT}


def open_closed_outputs() -> None:
    """Let a stdout or stderr that was closed (``>&-``) take all that is written to it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - no pathlib yet, and open to the end


def abandon_outputs() -> None:
    """Let go of what a full disk did not take: at its end Python would try again, and say so."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def full_disk(error: OSError) -> LocalDisk | None:
    """*error* as what to do about it, where a disk was full; None where it was something else."""
    if error.errno not in _FULL:
        return None
    return LocalDisk(
        f"{error.filename or 'the output'}: {os.strerror(error.errno)}",
        hint="Make room and type the same again; what was saved can be resumed.",
    )
