"""Files of our own on the local disk: whole under their name, or not there at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import LocalDisk


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the name *path* when the block ends well, and is durable by then.

    Only its owner may read it. Where the block raises, nothing is left. Raises `LocalDisk`.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    with local_disk(path):
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
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


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
