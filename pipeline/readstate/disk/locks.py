"""Locks between processes of one machine: flock on a file that names its holder, or a name of the machine's own.

A lock dies with its process.
"""

import errno
import fcntl
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_TRIES = 5
_TRY_SECONDS = 0.05
_LONGEST_HOLDER = 1_000


class LockHeld(Exception):
    """Another process holds the lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder
        """What that process wrote into the file; empty where it wrote nothing."""


class FileLock:
    """A lock that this process holds until it is released."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock; the file stays."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Delete the file and release the lock, in this order, so that a waiter sees that its file is gone."""
        self._path.unlink()
        self.release()


def acquire_lock(path: Path, *, holder: str) -> FileLock:
    """Lock the file *path*, made with its folder where missing, and write *holder* into it. Raise `LockHeld`."""
    while True:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = _open(path)
        if not _try_for_a_moment(descriptor):
            text = os.pread(descriptor, _LONGEST_HOLDER, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise LockHeld(text)
        if is_file_at(descriptor, path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)
            return FileLock(path, descriptor)
        os.close(descriptor)


def wait_for_lock(path: Path) -> FileLock:
    """Block until the file *path* is locked, and make it where it is missing."""
    while True:
        descriptor = _open(path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if is_file_at(descriptor, path):
            return FileLock(path, descriptor)
        os.close(descriptor)


@contextmanager
def machine_lock(name: str) -> Iterator[bool]:
    """Hold *name* for as long as the block lasts, against all processes of this machine, whatever their folder or user.

    Yield whether this system can do that. Raise `LockHeld`. Containers with a network of their own are machines of
    their own.
    """
    if sys.platform != "linux":
        yield False
        return
    # An abstract socket: it has no file, so that no folder or permission is in the way and nothing is left behind.
    address = f"\0readstate/{name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        can_see = True
        try:
            held.bind(address)
            held.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LockHeld(_owner(address)) from None
            can_see = False
        yield can_see


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock *path* now; a missing file is not locked. Raise `OSError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False where another process holds it. Raise `OSError`."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_file_at(descriptor: int, path: Path) -> bool:
    """Return whether the open file still has the name *path*: its last holder may have removed or renamed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _owner(address: str) -> str:
    """Return which process listens at *address*; empty where it has ended meanwhile."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.settimeout(1)
            asking.connect(address)
            process, user, _ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return ""
    return f"process {process} of the user with the number {user}"


def _open(path: Path) -> int:
    # Not through a link: the name of the holder would be written over the file that it leads to.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _try_for_a_moment(descriptor: int) -> bool:
    # Not once only: `is_locked` holds the lock for an instant too.
    for _ in range(_TRIES):
        if try_lock(descriptor):
            return True
        time.sleep(_TRY_SECONDS)
    return False
