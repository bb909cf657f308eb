"""A root in an object store: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.

One library, obstore, reads and writes, so that both use the same credentials, endpoint and retries. pyarrow's own file
systems would need their own configuration of all three; besides, they have no conditional put, and they publish a
truncated object when a stream is closed by an error.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import obstore
from msgspec import Struct
from obstore.exceptions import AlreadyExistsError, PreconditionError
from pyarrow import fs

from readstate.disk.files import create_private
from readstate.snapshot.storage.arrow_filesystem import CloudFileSystem
from readstate.snapshot.storage.cloud_client import open_client
from readstate.snapshot.storage.cloud_errors import translate_errors, translate_errors_but_missing
from readstate.snapshot.storage.object_store import ObjectInfo, Version, VersionedContent

_PROBE = "_snapshots/.writable"
_MAX_CONCURRENCY = 4
"""Pieces of 5 MB of one upload that are in flight, and in memory, at once."""


class CloudObjectStore(Struct, frozen=True):
    """An `ObjectStore` whose objects lie below a prefix of a bucket."""

    root: str
    client: Any

    @property
    def filesystem(self) -> fs.FileSystem:
        return fs.PyFileSystem(CloudFileSystem(self.root, self.client))

    def absolute(self, path: str) -> str:
        """Return *path* itself: the client adds the prefix."""
        return path

    def require_writable(self) -> None:
        """Put an object and remove it again; raise what fails. The bucket must exist."""
        self.put_bytes(b"", _PROBE)
        self.delete([_PROBE])

    def put(self, source: Path, path: str) -> None:
        """Upload a finished local file. An upload that is cut off leaves no visible object."""
        with self.translate_errors(path):
            obstore.put(self.client, path, source, max_concurrency=_MAX_CONCURRENCY)

    def put_bytes(self, content: bytes, path: str) -> None:
        with self.translate_errors(path):
            obstore.put(self.client, path, content)

    def put_if(self, content: bytes, path: str, *, expected: Version | None) -> bool:
        """Put one small object if the store still holds version *expected*: the store itself compares."""
        with self.translate_errors(path):
            try:
                obstore.put(self.client, path, content, mode="create" if expected is None else _update_of(expected))
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                # If the response was lost, the client sent the put again, and met the object of its own first try.
                found = self.read(path)
                return found is not None and found.content == content
        return True

    def read(self, path: str) -> VersionedContent | None:
        try:
            with translate_errors_but_missing(self.root, path):
                found = obstore.get(self.client, path)
                return VersionedContent(bytes(found.bytes()), Version(found.meta["e_tag"], found.meta["version"]))
        except FileNotFoundError:
            return None

    def local_copy(self, path: str, target: Path) -> Path:
        target.unlink(missing_ok=True)  # left by a killed run
        with self.translate_errors(path), create_private(target) as copy:
            for chunk in obstore.get(self.client, path).stream():
                copy.write(chunk)
        return target

    def list_objects(self, folder: str) -> Iterator[ObjectInfo]:
        with self.translate_errors(folder):
            for found in obstore.list(self.client, folder):
                yield from (ObjectInfo(one["path"], one["size"], one["last_modified"]) for one in found)

    def list_folders(self, folder: str) -> list[str]:
        """Return the common prefixes of the objects below *folder*."""
        with self.translate_errors(folder):
            found = obstore.list_with_delimiter(self.client, folder)
            return sorted(prefix.rstrip("/").rsplit("/", 1)[-1] for prefix in found["common_prefixes"])

    def delete(self, paths: Iterable[str]) -> None:
        for path in paths:
            with self.translate_errors(path), suppress(FileNotFoundError):
                obstore.delete(self.client, path)

    def delete_folder(self, folder: str) -> None:
        self.delete([file.path for file in self.list_objects(folder)])

    @contextmanager
    def translate_errors(self, path: str) -> Iterator[None]:
        """Translate errors of the store that are raised in the block; they name *path*."""
        with translate_errors(self.root, "" if path == _PROBE else path):
            yield


def open_cloud_store(root: str) -> CloudObjectStore:
    """Open a root by its address; no request is sent. Raise `BadInput`."""
    return CloudObjectStore(root, open_client(root))


def _update_of(expected: Version) -> Any:
    # S3 and Azure compare the ETag, Google the generation.
    known = {"e_tag": expected.e_tag, "version": expected.generation}
    return {name: value for name, value in known.items() if value is not None}
