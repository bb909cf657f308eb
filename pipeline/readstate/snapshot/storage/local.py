"""A root that is a folder, local or mounted."""

import errno
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import BinaryIO

from msgspec import Struct
from pyarrow import fs

from readstate.disk.files import atomic_output, translate_os_errors
from readstate.disk.locks import wait_for_lock
from readstate.snapshot.storage.object_store import ObjectInfo, Version, VersionedContent

_CHUNK = 1 << 20
_LOCK = ".lock"


class LocalObjectStore(Struct, frozen=True):
    """An `ObjectStore` whose objects are files below a folder."""

    root: str
    folder: Path

    @property
    def filesystem(self) -> fs.FileSystem:
        return fs.LocalFileSystem()

    def absolute(self, path: str) -> str:
        return str(self.folder / path)

    def require_writable(self) -> None:
        """Create the folder, then create a file in it and remove that. Raise `LocalDisk`."""
        probe = self.folder / ".writable"  # always the same: one that a killed process left is removed by the next
        with self.translate_errors(""):
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink(missing_ok=True)

    def put(self, source: Path, path: str) -> None:
        with self.translate_errors(path), source.open("rb") as stream, self._new_file(path) as target:
            shutil.copyfileobj(stream, target, _CHUNK)

    def put_bytes(self, content: bytes, path: str) -> None:
        with self.translate_errors(path), self._new_file(path) as target:
            target.write(content)

    def put_if(self, content: bytes, path: str, *, expected: Version | None) -> bool:
        """Write *content* to *path* if its version is *expected*, under a lock. Raise `LocalDisk`."""
        with self.translate_errors(path), self._locked(path):
            held = self.read(path)
            if (None if held is None else held.version) != expected:
                return False
            self.put_bytes(content, path)
            return True

    def read(self, path: str) -> VersionedContent | None:
        """Return the contents of *path*; their version is their hash. Raise `LocalDisk`."""
        with self.translate_errors(path):
            try:
                content = (self.folder / path).read_bytes()
            except FileNotFoundError:
                return None
        return VersionedContent(content, Version(hashlib.sha256(content).hexdigest()))

    def local_copy(self, path: str, target: Path) -> Path:
        return self.folder / path

    def list_objects(self, folder: str) -> Iterator[ObjectInfo]:
        """Yield every file in *folder* and below, except hidden and unfinished ones. Raise `LocalDisk`."""
        with self.translate_errors(folder):
            for path in sorted((self.folder / folder).rglob("*")):
                with suppress(FileNotFoundError):  # removed between listing and stat
                    status = path.stat()
                    if path.is_file() and not path.name.startswith("."):
                        last_modified = datetime.fromtimestamp(status.st_mtime, UTC)
                        yield ObjectInfo(path.relative_to(self.folder).as_posix(), status.st_size, last_modified)

    def list_folders(self, folder: str) -> list[str]:
        with self.translate_errors(folder):
            try:
                return sorted(path.name for path in (self.folder / folder).iterdir() if path.is_dir())
            except FileNotFoundError:
                return []

    def delete(self, paths: Iterable[str]) -> None:
        """Remove files, and folders that become empty; nothing outside of the root. Raise `LocalDisk`."""
        for path in paths:
            with self.translate_errors(path):
                file = self._inside(path)
                file.unlink(missing_ok=True)
            for folder in file.parents:
                if folder == self.folder:
                    break
                with suppress(OSError):  # not empty, or gone
                    folder.rmdir()

    def delete_folder(self, folder: str) -> None:
        """Remove a folder; nothing outside of the root. Raise `LocalDisk`."""
        with self.translate_errors(folder), suppress(FileNotFoundError):
            shutil.rmtree(self._inside(folder))

    def _inside(self, path: str) -> Path:
        """Return where *path* is. Raise `OSError` where that is not below the root, or a folder on the way is a link.

        Others may write to a shared root, and what is removed there must not be theirs to choose.
        """
        place, relative = self.folder / path, PurePath(path)
        leads_out = relative.is_absolute() or ".." in relative.parts
        if leads_out or place.parent.resolve() != self.folder.resolve() / relative.parent:
            raise OSError(errno.EPERM, "this leads out of the root, so it is not removed")
        return place

    @contextmanager
    def _new_file(self, path: str) -> Iterator[BinaryIO]:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(target) as file:
            yield file

    @contextmanager
    def _locked(self, path: str) -> Iterator[None]:
        """Hold a lock beside *path*, so that one publisher at a time compares and replaces it."""
        lock = (self.folder / path).with_name(_LOCK)
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = wait_for_lock(lock)
        try:
            yield
        finally:
            held.remove()

    def translate_errors(self, path: str) -> AbstractContextManager[None]:
        """Translate an `OSError` that is raised in the block into `LocalDisk`, which names *path*."""
        return translate_os_errors(
            f"{self.root}/{path}" if path else self.root,
            hint="Check that the root exists, that you may write to it, and that it has space;"
            " then run the same command again.",
        )
