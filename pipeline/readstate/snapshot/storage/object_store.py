"""What snapshots need of the place where they lie: the seam between the store and folders, buckets or containers."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pyarrow import fs


@dataclass(frozen=True, slots=True)
class Version:
    """Names exactly one content of a path, so that it can be replaced only while nobody else has."""

    e_tag: str | None
    generation: str | None = None


@dataclass(frozen=True, slots=True)
class VersionedContent:
    """What a small file held when it was read."""

    content: bytes
    version: Version


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """A file as a listing shows it."""

    path: str
    """Below the root, with forward slashes."""
    bytes: int
    changed_at: datetime


class ObjectStore(Protocol):
    """Files below one root. Paths are relative to it; a file is there whole, or not at all.

    Everything raises errors that name the root and say what to do: `LocalDisk` on a disk; elsewhere `BadInput` where
    the root cannot be right, `NotPermitted`, and `StoppedEarly` where the store does not answer.
    """

    @property
    def files(self) -> fs.FileSystem:
        """The same files for pyarrow to read."""
        ...

    def absolute(self, path: str) -> str:
        """*path* as `files` names it."""
        ...

    def told(self, path: str) -> AbstractContextManager[None]:
        """Say what reading *path* through `files` refuses as one of these errors."""
        ...

    def prove_writable(self) -> None:
        """Make the root where that is possible, write to it, and leave nothing."""
        ...

    def put(self, source: Path, path: str) -> None:
        """Copy a finished local file to *path*; replace what is there. What breaks off in between leaves nothing."""
        ...

    def put_bytes(self, content: bytes, path: str) -> None:
        """Write *content* to *path*; replace what is there."""
        ...

    def put_if(self, content: bytes, path: str, *, expected: Version | None) -> bool:
        """Write *content* to *path* if *expected*, or nothing where it is None, is still there; say whether it was."""
        ...

    def read(self, path: str) -> VersionedContent | None:
        """What *path* holds; None where there is nothing."""
        ...

    def fetch(self, path: str, target: Path) -> Path:
        """Give a local file with the contents of *path*: itself where it is local, else a copy at *target*."""
        ...

    def listed(self, folder: str) -> Iterator[ObjectInfo]:
        """Every file in *folder* and in the folders below it; nothing where it is not there."""
        ...

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in *folder*, sorted."""
        ...

    def delete(self, paths: Iterable[str]) -> None:
        """Remove files, those that are still there."""
        ...

    def delete_folder(self, folder: str) -> None:
        """Remove *folder* with all that is in it, if it is there."""
        ...
