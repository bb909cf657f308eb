"""The local folder of one unfinished export, or of one shard of it: its lock, its checkpoint, its parts."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from readstate.errors import Locked
from readstate.files import create_private_folder, translate_os_errors
from readstate.locks import LockHeld, acquire_lock, is_locked

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


def export_workspace(work_dir: Path, *, root: str, day: date) -> AbstractContextManager[Workspace]:
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
    workspace = Workspace(folder)
    try:
        with translate_os_errors(folder, hint="Give a folder of your own with --work-dir."):
            lock = acquire_lock(folder / _LOCK, holder=f"{os.getpid()}\n")
    except LockHeld as held:
        raise Locked(
            f"the same is being done already{f' (process {held.holder})' if held.holder else ''}",
            hint=f"Wait for it, or stop it. Its work lies in {folder}",
        ) from None
    with lock:
        with translate_os_errors(folder):
            create_private_folder(workspace.parts)
            create_private_folder(workspace.finished)
        yield workspace


def unfinished_exports(work_dir: Path, *, root: str) -> list[date]:
    """The dates of exports to *root* that were begun, are not finished, and on which nobody works now."""
    found = sorted(work_dir.glob(f"exports/????-??-??-{_named_after(root)}/{_LOCK}"))
    return [date.fromisoformat(lock.parent.name[:10]) for lock in found if not _is_held(lock)]


def _named_after(root: str) -> str:
    return hashlib.sha256(root.encode()).hexdigest()[:12]


def _is_held(lock: Path) -> bool:
    try:
        return is_locked(lock)
    except OSError:  # another user's
        return True
