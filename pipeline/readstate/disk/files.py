"""Files on the local disk, written atomically and durably; what the disk refuses becomes `LocalDisk`.

Private files and folders are their owner's alone. Outputs are for their readers: their modes follow the umask.
"""

import errno
import hashlib
import os
import re
import secrets
import select
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, TextIO

from readstate.disk.locks import is_file_at, try_lock
from readstate.errors import BadInput, LocalDisk

MORE_ROOM = "Set TMPDIR to a folder that you may write to and that has more room, then run the same command again."
"""What helps where temporary files cannot be written."""

_OWN_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)")


@contextmanager
def atomic_write(path: Path, *, hint: str | None = None) -> Iterator[BinaryIO]:
    """Yield a private file to write to. It takes the name *path* when the block ends well, and is durable by then.

    Where the block raises, an earlier file stays untouched and nothing else is left.
    Raise `LocalDisk`, with *hint* as `translate_os_errors` takes it.
    """
    with _replacing(path, 0o600, hint) as file:
        yield file


@contextmanager
def atomic_output(path: Path) -> Iterator[BinaryIO]:
    """Yield a file for others to read, as `atomic_write` does; who may read it is the umask's to say."""
    with _replacing(path, 0o666, None) as file:
        yield file


@contextmanager
def _replacing(path: Path, mode: int, hint: str | None) -> Iterator[BinaryIO]:
    with translate_os_errors(path, hint=hint):
        unfinished, descriptor = _open_unfinished(path, mode)
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


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """Yield a file for an output whose place a person has named. Raise `LocalDisk`.

    A regular file is replaced as `atomic_output` does it, behind a link too, which stays a link. Anything else that
    exists, such as ``/dev/null``, a pipe or a shell's ``>(command)``, is written to.
    """
    place = replaceable(path)
    if place is not None:
        with atomic_output(place) as file:
            yield file
        return
    hint = "It is not a regular file: check where it leads and what reads from it, or use the name of a file."
    with translate_os_errors(path, hint=hint), os.fdopen(_open_existing(path), "wb") as file:
        yield file


def replaceable(path: Path) -> Path | None:
    """Return the name that a new file for *path* may take: behind a link its target; None for no regular file."""
    if _own_descriptor(path) is not None:
        return None
    try:
        status = path.stat()
    except OSError:  # missing, or out of reach: creating it says which
        return path.resolve() if path.is_symlink() else path
    return path.resolve() if stat.S_ISREG(status.st_mode) else None


def write_at_once(path: Path, content: bytes) -> None:
    """Write *content* to something that is no regular file, and wait for no reader. Raise `OSError`."""
    with os.fdopen(_open_existing(path, os.O_NONBLOCK), "wb", buffering=0) as file:
        can_write = select.poll()
        can_write.register(file, select.POLLOUT)
        left = memoryview(content)
        while left:
            if not can_write.poll(0):
                raise BlockingIOError(errno.EAGAIN, "nothing reads from it")
            # A pipe that can be written to takes this much without waiting, also where its descriptor would wait.
            left = left[file.write(left[: select.PIPE_BUF]) or 0 :]


def write_private(path: Path, content: bytes) -> None:
    """Write *content* to *path* atomically. Raise `LocalDisk`."""
    with atomic_write(path) as file:
        file.write(content)


def copy_private(source: Path, target: Path) -> Path:
    """Copy the file *source* to the private file *target*; return *target*. Raise `LocalDisk`."""
    with atomic_write(target) as file, source.open("rb") as stream:
        shutil.copyfileobj(stream, file)
    return target


def copy_output(source: Path, target: Path) -> Path:
    """Copy the file *source* to *target*, an output as `open_output` has it; return *target*. Raise `LocalDisk`."""
    with open_output(target) as file, source.open("rb") as stream:
        shutil.copyfileobj(stream, file)
    return target


def open_log(path: Path) -> TextIO:
    """Open the file *path*, an output, to append lines to it, each at once. Raise `LocalDisk`."""
    with translate_os_errors(path, hint="Name a file that you may write to:  --log-file FILE"):
        return path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)


def create_private(path: Path) -> BinaryIO:
    """Create the file *path*, which only its owner may read, and open it for writing. Raise `OSError` if it exists."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def create_private_folder(path: Path) -> None:
    """Create the folder *path* with its parents, all for their owner alone; existing ones stay as they are."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(exist_ok=True)  # refused where it is no folder


def require_unshared(*folders: Path) -> None:
    """Raise `LocalDisk` where others may write to one of *folders*, or have made it: links in it could lead anywhere.

    Those that cannot be looked at are passed over: making them, or what is in them, says why.
    """
    for folder in folders:
        try:
            owner, is_shared = folder.lstat().st_uid, _is_open_to_all(folder)
            is_anybodys = owner not in {os.geteuid(), 0} and _is_open_to_all(folder.parent)
        except OSError:
            continue
        if is_shared or is_anybodys:
            what = "it belongs to another user" if is_anybodys else "other users may write to it"
            own = (folder.parent if is_anybodys else folder) / "mine"
            raise LocalDisk(
                f"{folder}: {what}, who could replace the files in it",
                hint=f"Use a folder of your own; it is created if it is missing:  --work-dir {own}",
            )


def _is_open_to_all(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IWOTH)


def require_utf8(path: Path) -> None:
    """Raise `BadInput` for a path that is no UTF-8, where it has to be written down or handed on as text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadInput(f"{path}: the path must be UTF-8", hint="Rename the folder, or name another.") from None


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a private folder for temporary files, below TMPDIR; it is removed, as far as the disk lets it be.

    Raise `LocalDisk` where there is no place for it.
    """
    try:
        folder = TemporaryDirectory(prefix="readstate-", ignore_cleanup_errors=True)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else "temporary files: "
        raise LocalDisk(f"{place}{error.strerror}", hint=MORE_ROOM) from error
    with folder as name:
        yield Path(name)


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


def _own_descriptor(path: Path) -> int | None:
    """Return the open descriptor of this process that *path* names, as ``/dev/stdout`` and ``>(command)`` do."""
    for _ in range(2):  # /dev/stdout is a link to such a name
        if found := _OWN_DESCRIPTOR.fullmatch(str(path)):
            return int(found[1])
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return None


def _open_existing(path: Path, flags: int = 0) -> int:
    own = _own_descriptor(path)
    # Not opened again: that would begin at the start of a redirected file, and needs rights that its opener had.
    return os.dup(own) if own is not None else os.open(path, os.O_WRONLY | os.O_APPEND | flags)


def _open_unfinished(path: Path, mode: int) -> tuple[Path, int]:
    """Open an empty file of *mode* beside *path* that no other process writes to.

    Its name is the same each time, so that one left by a killed process is reused instead of piling up; it is another
    name only while another process writes *path*, such as the same shard on another machine, or where something that
    is not ours has the usual name.
    """
    usual = path.with_name(f".{path.name}.unfinished")
    with suppress(OSError):  # then the other name says what is wrong
        # In a folder that others may write to, the name could be a link to any file of ours, or a pipe.
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor, is_new = os.open(usual, flags | os.O_EXCL, mode), True
        except FileExistsError:
            descriptor, is_new = os.open(usual, flags, mode), False
        try:
            if _is_ours(usual, descriptor):
                if os.fstat(descriptor).st_size:
                    os.ftruncate(descriptor, 0)
                return usual, descriptor
        except OSError:
            # A file system without locks: others find this file, cannot lock it, and take another name.
            if is_new:
                return usual, descriptor
        os.close(descriptor)
    other = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    return other, os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)


def _is_ours(path: Path, descriptor: int) -> bool:
    """Lock the open file; return False where another process holds it or has renamed it before the lock was taken.

    Raise `OSError` where files cannot be locked.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_uid != os.geteuid():
        return False
    return try_lock(descriptor) and is_file_at(descriptor, path)
