"""The local folder of one unfinished export: its lock, its checkpoint, its parts."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.errors import LocalDisk, Locked


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths of one export's work in progress."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The SQLite file."""
        return self.folder / "checkpoint.sqlite"

    @property
    def parts(self) -> Path:
        """Where parts lie."""
        return self.folder / "parts"

    @property
    def finished(self) -> Path:
        """Where compacted files wait to be published."""
        return self.folder / "finished"

    def clear(self) -> None:
        """Forget the work in progress, but not the lock."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()


@contextmanager
def workspace(work_dir: Path, *, root: str, day: date) -> Iterator[Workspace]:
    """Hold the folder for the export of *day* to *root* for as long as the block lasts.

    The lock dies with the process. Raises `Locked` where another run holds it and `LocalDisk` where the folder
    cannot be made.
    """
    name = hashlib.sha256(root.encode()).hexdigest()[:12]
    place = Workspace(work_dir / "exports" / f"{day.isoformat()}-{name}")
    try:
        for folder in (place.folder, place.parts, place.finished):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(place.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LocalDisk(
            f"{place.folder}: {error.strerror}", hint="Give a folder of your own with --work-dir."
        ) from error
    try:
        _lock(descriptor, place.folder)
        yield place
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 100).decode(errors="replace").strip()
        raise Locked(
            f"another export of this date to this root is running{f' (process {holder})' if holder else ''}",
            hint=f"Wait for it, or stop it. Its work lies in {folder}",
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
