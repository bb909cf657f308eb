"""Private files on the local disk, written atomically and durably; what the disk refuses becomes `LocalDisk`."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from readstate.errors import LocalDisk
from readstate.locks import is_file_at, try_lock


@contextmanager
def atomic_write(path: Path, *, hint: str | None = None) -> Iterator[BinaryIO]:
    """Yield a file to write to. It takes the name *path* when the block ends well, and is durable by then.

    Only its owner may read it. Where the block raises, an earlier file stays untouched and nothing else is left.
    Raise `LocalDisk`, with *hint* as `translate_os_errors` takes it.
    """
    with translate_os_errors(path, hint=hint):
        unfinished, descriptor = _open_unfinished(path)
        with os.fdopen(descriptor, "wb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                unfinished.replace(path)
                sync_folder(path.parent)
            except BaseException:
                with suppress(OSError):
                    unfinished.unlink()
                raise


def write_private(path: Path, content: bytes) -> None:
    """Write *content* to *path* atomically. Raise `LocalDisk`."""
    with atomic_write(path) as file:
        file.write(content)


def copy_private(source: Path, target: Path) -> Path:
    """Copy the file *source* to *target* atomically and return *target*. Raise `LocalDisk`."""
    with atomic_write(target) as file, source.open("rb") as stream:
        shutil.copyfileobj(stream, file)
    return target


def create_private(path: Path) -> BinaryIO:
    """Create the file *path*, which only its owner may read, and open it for writing. Raise `OSError` if it exists."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def create_private_folder(path: Path) -> None:
    """Create the folder *path* with its parents, for its owner alone; an existing one stays as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Wait until the names of the files in *folder* are durable: a rename is not, before that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's contents in hexadecimal. Raise `LocalDisk`."""
    with translate_os_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def translate_os_errors(
    path: Path | str, *, hint: str | None = None, also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Raise an `OSError` of the block, or one of *also*, as `LocalDisk` that names *path* and says what to do."""
    errors: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except errors as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise LocalDisk(f"{path}: {reason}", hint=hint or _hint(Path(path))) from error


def _hint(path: Path) -> str:
    if not path.parent.exists():
        return f"Make the folder {path.parent} first, or name another place."
    return (
        f"Free some space or correct the permissions of {path.parent}, then run the same command again:\n"
        "it resumes where it stopped."
    )


def _open_unfinished(path: Path) -> tuple[Path, int]:
    """Open an empty file beside *path* that no other process writes to.

    Its name is the same each time, so that one left by a killed process is reused instead of piling up; it is another
    name only while another process writes *path*, such as the same shard on another machine.
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
    """Lock the open file; return False where another process holds it or has renamed it before the lock was taken."""
    try:
        return try_lock(descriptor) and is_file_at(descriptor, path)
    except OSError:  # a file system without locks
        return False
