"""The interface between snapshots and where they are stored: a folder, a bucket or a container."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from pyarrow import fs


class Version(Struct, frozen=True):
    """Identifies one version of an object, so that `put_if` replaces that version and no other."""

    e_tag: str | None
    generation: str | None = None


class VersionedContent(Struct, frozen=True):
    """The contents of a small object, and their version."""

    content: bytes
    version: Version


class ObjectInfo(Struct, frozen=True):
    """An object as a listing shows it."""

    path: str
    """Below the root, with forward slashes."""
    bytes: int
    last_modified: datetime


class ObjectStore(Protocol):
    """Objects below one root. Paths are relative to it; writes are atomic.

    All errors name the root and say what to do: `LocalDisk` on a disk; elsewhere `BadInput` where the root cannot be
    right, `NotPermitted`, and `StoppedEarly` where the store does not answer.
    """

    @property
    def filesystem(self) -> fs.FileSystem:
        """The same objects for pyarrow to read."""
        ...

    def absolute(self, path: str) -> str:
        """Return *path* as `filesystem` names it."""
        ...

    def translate_errors(self, path: str) -> AbstractContextManager[None]:
        """Translate errors of reading *path* through `filesystem` that are raised in the block."""
        ...

    def require_writable(self) -> None:
        """Create the root where that is possible, write to it, and remove what was written; raise what fails."""
        ...

    def put(self, source: Path, path: str) -> None:
        """Copy a finished local file to *path*, atomically, and replace what is there."""
        ...

    def put_bytes(self, content: bytes, path: str) -> None:
        """Write *content* to *path* and replace what is there."""
        ...

    def put_if(self, content: bytes, path: str, *, expected: Version | None) -> bool:
        """Compare and swap: write *content* only if *expected* is the version of *path*, or None and it does not exist.

        Return whether it was written.
        """
        ...

    def read(self, path: str) -> VersionedContent | None:
        """Return the contents of *path*; None where it does not exist."""
        ...

    def local_copy(self, path: str, target: Path) -> Path:
        """Return a local file with the contents of *path*: itself where it is local, else a copy at *target*."""
        ...

    def list_objects(self, folder: str) -> Iterator[ObjectInfo]:
        """Yield every object in *folder* and in the folders below it."""
        ...

    def list_folders(self, folder: str) -> list[str]:
        """Return the names of the folders in *folder*, sorted."""
        ...

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; those that do not exist are passed over."""
        ...

    def delete_folder(self, folder: str) -> None:
        """Remove *folder* with all that is in it, if it exists."""
        ...
