"""A root in an object store: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.

One library, obstore, does everything here, so that what is written and what is read use the same credentials, the same
endpoint and the same retries. pyarrow's own file systems would be a second opinion on all three; besides, they know no
conditional put, and publish a truncated object when a stream is closed by an error.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from pyarrow import fs

from readstate.snapshot.storage.arrow_filesystem import CloudFileSystem
from readstate.snapshot.storage.cloud_client import open_client
from readstate.snapshot.storage.cloud_errors import explained, explained_if_there
from readstate.snapshot.storage.object_store import ObjectInfo, Version, VersionedContent

_PROBE = "_snapshots/.writable"
_AT_ONCE = 4
"""Pieces of 5 MB of one upload that are under way, and in memory, at once."""


@dataclass(frozen=True, slots=True)
class CloudObjectStore:
    """An `ObjectStore` whose objects lie below a prefix of a bucket."""

    root: str
    client: Any

    @property
    def files(self) -> fs.FileSystem:
        """The objects as files that can be read."""
        return fs.PyFileSystem(CloudFileSystem(self.root, self.client))

    def absolute(self, path: str) -> str:
        """*path* itself: the client knows the prefix."""
        return path

    def prove_writable(self) -> None:
        """Put an object and remove it again. A bucket is never made."""
        self.put_bytes(b"", _PROBE)
        self.delete([_PROBE])

    def put(self, source: Path, path: str) -> None:
        """Upload a finished local file. An upload that is cut off leaves nothing that can be seen."""
        with self.told(path):
            obstore.put(self.client, path, source, max_concurrency=_AT_ONCE)

    def put_bytes(self, content: bytes, path: str) -> None:
        """Put one small object."""
        with self.told(path):
            obstore.put(self.client, path, content)

    def put_if(self, content: bytes, path: str, *, expected: Version | None) -> bool:
        """Put one small object if the store still holds what is *expected*: the store itself compares."""
        with self.told(path):
            try:
                obstore.put(self.client, path, content, mode="create" if expected is None else _update_of(expected))
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                # An answer that was lost makes the client ask again, and then it is its own object that is in the way.
                found = self.read(path)
                return found is not None and found.content == content
        return True

    def read(self, path: str) -> VersionedContent | None:
        """What an object holds."""
        try:
            with explained_if_there(self.root, path):
                found = obstore.get(self.client, path)
                return VersionedContent(bytes(found.bytes()), Version(found.meta["e_tag"], found.meta["version"]))
        except FileNotFoundError:
            return None

    def fetch(self, path: str, target: Path) -> Path:
        """Download to *target*."""
        with self.told(path), target.open("wb") as copy:
            for chunk in obstore.get(self.client, path).stream():
                copy.write(chunk)
        return target

    def listed(self, folder: str) -> Iterator[ObjectInfo]:
        """Every object below *folder*."""
        with self.told(folder):
            for found in obstore.list(self.client, folder):
                yield from (ObjectInfo(one["path"], one["size"], one["last_modified"]) for one in found)

    def folders(self, folder: str) -> list[str]:
        """The names that objects below *folder* share."""
        with self.told(folder):
            found = obstore.list_with_delimiter(self.client, folder)
            return sorted(prefix.rstrip("/").rsplit("/", 1)[-1] for prefix in found["common_prefixes"])

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects."""
        for path in paths:
            with self.told(path), suppress(FileNotFoundError):
                obstore.delete(self.client, path)

    def delete_folder(self, folder: str) -> None:
        """Remove every object below *folder*."""
        self.delete([file.path for file in self.listed(folder)])

    @contextmanager
    def told(self, path: str) -> Iterator[None]:
        """Say what *path* refuses as an error of ours."""
        with explained(self.root, "" if path == _PROBE else path):
            yield


def open_cloud_store(root: str) -> CloudObjectStore:
    """Open a root by its address. Raises `BadInput`; asks the store nothing yet."""
    return CloudObjectStore(root, open_client(root))


def _update_of(expected: Version) -> Any:
    known = {"e_tag": expected.e_tag, "version": expected.generation}
    return {name: value for name, value in known.items() if value is not None}
