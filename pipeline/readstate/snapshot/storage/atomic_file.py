"""Files of our own on the local disk: whole under their name, or not there at all."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from readstate.errors import LocalDisk


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the name *path* when the block ends well, and is durable by then.

    Only its owner may read it. Where the block raises, nothing is left. Raises `LocalDisk`.
    """
    with local_disk(path):
        unfinished, descriptor = _begin(path)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            try:
                yield file
                os.fsync(file.fileno())
                unfinished.replace(path)
                _sync_folder(path.parent)
            except BaseException:
                with suppress(OSError):
                    unfinished.unlink()
                raise


@contextmanager
def local_disk(path: Path) -> Iterator[None]:
    """Say what the disk refuses as `LocalDisk`, naming *path*."""
    try:
        yield
    except OSError as error:
        raise LocalDisk(
            f"{path}: {error.strerror or error}",
            hint=f"Free some space or mend the permissions of {path.parent}, then run the same command again:\n"
            "it goes on where it was."
            if path.parent.exists()
            else f"Make the folder {path.parent} first, or name another place.",
        ) from error


def sha256_of(path: Path) -> str:
    """Give the sha256 of a file's contents. Raises `LocalDisk`."""
    with local_disk(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _begin(path: Path) -> tuple[Path, int]:
    """Open an empty file beside *path* that nobody else writes to.

    It has the same name each time, so that one that a killed process has left behind is used and does not stay;
    another only while somebody else writes *path*, such as the same shard on another machine.
    """
    usual = path.with_name(f".{path.name}.unfinished")
    descriptor = os.open(usual, os.O_WRONLY | os.O_CREAT, 0o600)
    if _is_ours(usual, descriptor):
        if os.fstat(descriptor).st_size:
            os.ftruncate(descriptor, 0)
        return usual, descriptor
    os.close(descriptor)
    other = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    return other, os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _is_ours(path: Path, descriptor: int) -> bool:
    """Whether nobody else holds the open file, nor has given it another name before we held it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:  # held, gone, or on a disk that knows no locks
        return False


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
