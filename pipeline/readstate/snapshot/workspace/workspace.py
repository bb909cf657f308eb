"""The local folder of one unfinished export, or of one shard of it: its lock, its checkpoint, its parts."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from readstate.errors import LocalDisk, Locked

_LOCK = "lock"


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
        """Forget the work in progress, and be ready for another."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
                path.mkdir(mode=0o700)
            elif path.name != _LOCK:
                path.unlink()

    def remove(self) -> None:
        """Forget the work in progress and leave no trace of it."""
        shutil.rmtree(self.folder)


def workspace(work_dir: Path, *, root: str, day: date) -> AbstractContextManager[Workspace]:
    """Hold the folder for the export of *day* to *root* for as long as the block lasts; raises as `held` does."""
    return held(work_dir / "exports" / f"{day.isoformat()}-{_named_after(root)}")


def run_workspace(work_dir: Path, *, root: str, run_id: str, work: str) -> AbstractContextManager[Workspace]:
    """Hold the folder for some *work* on a run that has shards, such as one of them; raises as `held` does."""
    return held(work_dir / "shards" / f"{run_id}-{_named_after(root)}-{work}")


@contextmanager
def held(folder: Path) -> Iterator[Workspace]:
    """Hold a folder of work in progress for as long as the block lasts.

    The lock dies with the process. Raises `Locked` where another process holds it and `LocalDisk` where the folder
    cannot be made.
    """
    place = Workspace(folder)
    descriptor = _locked(place)
    try:
        yield place
    finally:
        os.close(descriptor)


def unfinished(work_dir: Path, *, root: str) -> list[date]:
    """The dates of exports to *root* that were begun, are not finished, and on which nobody works now."""
    found = sorted(work_dir.glob(f"exports/????-??-??-{_named_after(root)}/{_LOCK}"))
    return [date.fromisoformat(lock.parent.name[:10]) for lock in found if not _is_held(lock)]


def _named_after(root: str) -> str:
    return hashlib.sha256(root.encode()).hexdigest()[:12]


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # held, gone meanwhile, or another user's
        return True
    return False


def _locked(place: Workspace) -> int:
    """Make the folder and hold its lock; the run that held it before may have removed both meanwhile."""
    while True:
        try:
            for folder in (place.folder, place.parts, place.finished):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(place.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LocalDisk(
                f"{place.folder}: {error.strerror}", hint="Give a folder of your own with --work-dir."
            ) from error
        _lock(descriptor, place.folder)
        if _is_still_at(descriptor, place.folder / _LOCK):
            return descriptor
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 100).decode(errors="replace").strip()
        os.close(descriptor)
        raise Locked(
            f"the same is being done already{f' (process {holder})' if holder else ''}",
            hint=f"Wait for it, or stop it. Its work lies in {folder}",
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())


def _is_still_at(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
