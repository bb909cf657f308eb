"""The local folder of one unfinished export, or of one shard of it: its lock, its checkpoint, its parts."""

import hashlib
import os
import shutil
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from pathlib import Path

from msgspec import Struct

from readstate.disk.files import create_private_folder, require_unshared, translate_os_errors
from readstate.disk.locks import LockHeld, acquire_lock, is_locked
from readstate.errors import Locked, ReadstateError
from readstate.snapshot.workspace.checkpoint import begun_run

LOCK_NAME = "lock"


class Workspace(Struct, frozen=True):
    """Paths of one export's work in progress."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The SQLite file."""
        return self.folder / "checkpoint.sqlite"

    @property
    def parts(self) -> Path:
        """The folder of the parts."""
        return self.folder / "parts"

    @property
    def finished(self) -> Path:
        """The folder of compacted files that are not yet published."""
        return self.folder / "finished"

    def clear(self) -> None:
        """Delete all work in progress and keep the lock. Raise `LocalDisk`."""
        with translate_os_errors(self.folder):
            for path in self.folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                    path.mkdir(mode=0o700)
                elif path.name != LOCK_NAME:
                    path.unlink()

    def remove_parts_except(self, names: Container[str]) -> None:
        """Delete the parts that have none of these *names*. Raise `LocalDisk`."""
        with translate_os_errors(self.parts):
            for path in self.parts.iterdir():
                if path.name not in names:
                    path.unlink()

    def remove(self) -> None:
        """Delete the folder, as far as the disk lets it be deleted: `remove_leftovers` tries what stays once more.

        Raise nothing: the work is done, or there was none, and what it led to is more to the point.
        """
        # First: whatever a kill leaves, a folder without a checkpoint holds no work to be resumed.
        with suppress(OSError):
            self.checkpoint.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)


def export_workspace(work_dir: Path, *, root: str, day: date) -> AbstractContextManager[Workspace]:
    """Hold the folder for the export of *day* to *root* while the block runs. Raises what `hold_workspace` raises."""
    return hold_workspace(work_dir / "exports" / f"{day.isoformat()}-{_named_after(root)}")


def run_workspace(work_dir: Path, *, root: str, run_id: str, work: str) -> AbstractContextManager[Workspace]:
    """Hold the folder for some *work* on a run with shards, such as one of them. Raises as `hold_workspace` does."""
    return hold_workspace(work_dir / "shards" / f"{run_id}-{_named_after(root)}-{work}")


@contextmanager
def hold_workspace(folder: Path) -> Iterator[Workspace]:
    """Hold a folder of work in progress for as long as the block lasts.

    The lock ends with the process. Raise `Locked` where another process holds it and `LocalDisk` where the folder
    cannot be made, or others may write to it or to the work folder that it is in.
    """
    workspace = Workspace(folder)
    require_unshared(folder.parents[1], folder.parent, folder)
    try:
        with translate_os_errors(folder, hint="Choose a folder that you may write to with --work-dir."):
            create_private_folder(folder.parent)
            lock = acquire_lock(folder / LOCK_NAME, holder=f"{os.getpid()}\n")
    except LockHeld as held:
        raise Locked(
            f"the same export is running already{f' (process {held.holder})' if held.holder else ''}",
            hint=f"Wait for it, or stop it. Its files are in {folder}",
        ) from None
    with lock:
        with translate_os_errors(folder):
            create_private_folder(workspace.parts)
            create_private_folder(workspace.finished)
        yield workspace


def remove_leftovers(work_dir: Path, *, root: str, published: Callable[[date], str | None]) -> None:
    """Remove the folders of work on *root* that a run has left which was killed while it tidied up. Raise nothing.

    *published* returns the run whose snapshot of a date is published. A folder without a run has nothing to resume.
    """
    named = _named_after(root)
    with suppress(OSError, ReadstateError):
        require_unshared(work_dir, work_dir / "exports", work_dir / "shards")
        for folder in (*work_dir.glob(f"exports/????-??-??-{named}"), *work_dir.glob(f"shards/*-{named}-*")):
            with suppress(OSError, ReadstateError, LockHeld):  # what is the matter with one concerns no other
                _remove_unless_begun(folder, published)


def _remove_unless_begun(folder: Path, published: Callable[[date], str | None]) -> None:
    """Remove *folder* where it belongs to no run, or to one that is *published*. Raise `LockHeld`."""
    with acquire_lock(folder / LOCK_NAME, holder=f"{os.getpid()}\n"):
        workspace = Workspace(folder)
        run = begun_run(workspace.checkpoint)
        if run is None or published(run.snapshot_date) == run.run_id:
            workspace.remove()


def unfinished_exports(work_dir: Path, *, root: str) -> list[date]:
    """Return the dates of unfinished exports to *root* that no process holds now."""
    found = sorted(work_dir.glob(f"exports/????-??-??-{_named_after(root)}/{LOCK_NAME}"))
    return [date.fromisoformat(lock.parent.name[:10]) for lock in found if not _is_held(lock)]


def _named_after(root: str) -> str:
    # The same words are another root in another folder, and other words may be the same one.
    name = root.rstrip("/") if "://" in root else os.path.realpath(root)
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:12]


def _is_held(lock: Path) -> bool:
    try:
        return is_locked(lock)
    except OSError:  # another user's
        return True
