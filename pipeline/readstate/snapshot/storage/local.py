"""A root that is a folder of this machine, or is mounted on it."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pyarrow import fs

from readstate.errors import LocalDisk
from readstate.snapshot.storage.atomic_file import whole_file
from readstate.snapshot.storage.object_store import ObjectInfo, Version, VersionedContent

_CHUNK = 1 << 20
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class LocalObjectStore:
    """An `ObjectStore` whose objects are files below a folder."""

    root: str
    folder: Path

    @property
    def files(self) -> fs.FileSystem:
        """The local file system."""
        return fs.LocalFileSystem()

    def absolute(self, path: str) -> str:
        """*path* below the folder."""
        return str(self.folder / path)

    def prove_writable(self) -> None:
        """Make the folder and prove that a file can be made in it. Raises `LocalDisk`."""
        probe = self.folder / f".writable-{os.getpid()}"
        with self.told(""):
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()

    def put(self, source: Path, path: str) -> None:
        """Copy a finished local file to *path*. Raises `LocalDisk`."""
        with self.told(path), source.open("rb") as stream, self._new_file(path) as target:
            shutil.copyfileobj(stream, target, _CHUNK)

    def put_bytes(self, content: bytes, path: str) -> None:
        """Write *content* to *path*. Raises `LocalDisk`."""
        with self.told(path), self._new_file(path) as target:
            target.write(content)

    def put_if(self, content: bytes, path: str, *, expected: Version | None) -> bool:
        """Write *content* to *path* if what is *expected* is still there. Raises `LocalDisk`."""
        with self.told(path), self._locked(path):
            held = self.read(path)
            if (None if held is None else held.version) != expected:
                return False
            self.put_bytes(content, path)
            return True

    def read(self, path: str) -> VersionedContent | None:
        """What *path* holds. Raises `LocalDisk`."""
        with self.told(path):
            try:
                content = (self.folder / path).read_bytes()
            except FileNotFoundError:
                return None
        return VersionedContent(content, Version(hashlib.sha256(content).hexdigest()))

    def fetch(self, path: str, target: Path) -> Path:
        """The file itself."""
        return self.folder / path

    def listed(self, folder: str) -> Iterator[ObjectInfo]:
        """Every file in *folder* and below, but for what is hidden or still being written. Raises `LocalDisk`."""
        with self.told(folder):
            for path in sorted((self.folder / folder).rglob("*")):
                with suppress(FileNotFoundError):
                    status = path.stat()
                    if path.is_file() and not path.name.startswith("."):
                        changed_at = datetime.fromtimestamp(status.st_mtime, UTC)
                        yield ObjectInfo(path.relative_to(self.folder).as_posix(), status.st_size, changed_at)

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in *folder*. Raises `LocalDisk`."""
        with self.told(folder):
            try:
                return sorted(path.name for path in (self.folder / folder).iterdir() if path.is_dir())
            except FileNotFoundError:
                return []

    def delete(self, paths: Iterable[str]) -> None:
        """Remove files, and folders that become empty. Raises `LocalDisk`."""
        for path in paths:
            file = self.folder / path
            with self.told(path):
                file.unlink(missing_ok=True)
            for folder in file.parents:
                if folder == self.folder:
                    break
                with suppress(OSError):  # not empty, or gone
                    folder.rmdir()

    def delete_folder(self, folder: str) -> None:
        """Remove *folder* with all that is in it. Raises `LocalDisk`."""
        with self.told(folder), suppress(FileNotFoundError):
            shutil.rmtree(self.folder / folder)

    @contextmanager
    def _new_file(self, path: str) -> Iterator[BinaryIO]:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as file:
            yield file

    @contextmanager
    def _locked(self, path: str) -> Iterator[None]:
        """Let one publisher at a time look at *path* and replace it; it takes milliseconds."""
        lock = (self.folder / path).with_name(_LOCK)
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _held(lock)
        try:
            yield
        finally:
            lock.unlink()
            os.close(descriptor)

    @contextmanager
    def told(self, path: str) -> Iterator[None]:
        """Say what *path* refuses as an error of ours."""
        try:
            yield
        except OSError as error:
            where = f"{self.root}/{path}" if path else self.root
            raise LocalDisk(
                f"{where}: {error.strerror or error}",
                hint="Check that the root exists, is yours to write and has space; then run the same command again.",
            ) from error


def _held(lock: Path) -> int:
    """Wait for *lock* and hold it; whoever held it before has removed the file that was waited for."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        os.close(descriptor)
