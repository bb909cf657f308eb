"""The root under which snapshots are published: a local folder or an object store, through pyarrow's file systems.

A snapshot exists when its manifest does. Data files get names that no other run uses and are complete before the
manifest names them; what no manifest names does not count.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from pyarrow import compute as pc
from pyarrow import fs
from pyarrow import parquet as pq

from pipeline.errors import BadInput, LocalDisk
from pipeline.snapshot.local_files import whole_file
from pipeline.snapshot.manifest import Manifest, SnapshotFile, decode_manifest, encode_manifest

_MANIFESTS = "_snapshots"
_MANIFEST_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_CHUNK = 1 << 20
_PAGE = 50
_DATASETS = ("user_conversations", "users", "failures", "changes")


@dataclass(frozen=True, slots=True)
class Store:
    """A root, wherever it lies."""

    root: str
    """As the user wrote it."""
    files: fs.FileSystem
    base: str
    """The root's path within *files*."""

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return isinstance(self.files, fs.LocalFileSystem)

    def prepare(self) -> None:
        """Make the root and prove that it can be written. Raises `LocalDisk`."""
        probe = f"{_MANIFESTS}/.writable-{os.getpid()}"
        with self._translated(probe):
            self.files.create_dir(self._at(_MANIFESTS), recursive=True)
            with self.files.open_output_stream(self._at(probe)) as stream:
                stream.write(b"")
            self.files.delete_file(self._at(probe))

    def put(self, source: Path, path: str) -> None:
        """Copy a finished local file to *path* below the root, whole or not at all. Raises `LocalDisk`."""
        with self._translated(path), source.open("rb") as stream:
            if self.is_local:
                with _new_file(Path(self._at(path))) as target:
                    shutil.copyfileobj(stream, target, _CHUNK)
            else:
                self._upload(stream.read, path)

    def put_bytes(self, content: bytes, path: str) -> None:
        """Write *content* to *path* below the root, whole or not at all. Raises `LocalDisk`."""
        with self._translated(path):
            if self.is_local:
                with _new_file(Path(self._at(path))) as target:
                    target.write(content)
            else:
                pieces = iter((content, b""))
                self._upload(lambda _size: next(pieces), path)

    def publish(self, manifest: Manifest) -> str:
        """Make a snapshot count: write its manifest, then remove what it replaces. Give the manifest's path."""
        path = manifest_path(manifest.snapshot_date)
        self.put_bytes(encode_manifest(manifest), path)
        self.remove_unnamed(manifest)
        return path

    def remove_unnamed(self, manifest: Manifest) -> None:
        """Remove the data files of the manifest's date that it does not name."""
        named = {file.path for file in manifest.files}
        for dataset in _DATASETS:
            folder = partition(dataset, manifest.snapshot_date)
            for path in self._list(folder):
                if path not in named:
                    with self._translated(path):
                        self.files.delete_file(self._at(path))

    def remove(self, manifest: Manifest) -> None:
        """Remove a snapshot: the manifest first, so that nobody reads half of it."""
        with self._translated(manifest_path(manifest.snapshot_date)):
            self.files.delete_file(self._at(manifest_path(manifest.snapshot_date)))
            for dataset in _DATASETS:
                folder = self._at(partition(dataset, manifest.snapshot_date))
                if self.files.get_file_info(folder).type == fs.FileType.Directory:
                    self.files.delete_dir(folder)

    def dates(self) -> list[date]:
        """The dates of all published snapshots, oldest first."""
        names = (path.rsplit("/", 1)[-1] for path in self._list(_MANIFESTS))
        return sorted(date.fromisoformat(name[:10]) for name in names if _MANIFEST_NAME.fullmatch(name))

    def manifest(self, day: date) -> Manifest | None:
        """The manifest of one date; None where no snapshot of it was published. Raises `BadInput`."""
        path = manifest_path(day)
        with self._translated(path):
            if self.files.get_file_info(self._at(path)).type != fs.FileType.File:
                return None
            with self.files.open_input_stream(self._at(path)) as stream:
                return decode_manifest(stream.read(), where=f"{self.root}/{path}")

    def long_lists(self, manifest: Manifest) -> Iterator[tuple[str, str, int]]:
        """Give (service, user SID, rows) of the users of a snapshot whose rows filled more than one page."""
        for file in manifest.files:
            if file.dataset == "users":
                columns = ["chat_service_sid", "sid", "conversations"]
                # Not read_table: it imports pyarrow's datasets, 40 MB that an export does not need.
                with self._translated(file.path), self.files.open_input_file(self.absolute(file.path)) as source:
                    for batch in pq.ParquetFile(source).iter_batches(columns=columns):
                        long = batch.filter(pc.greater(batch["conversations"], _PAGE))
                        yield from zip(*(long[column].to_pylist() for column in columns), strict=True)

    def measured(self, file: SnapshotFile) -> tuple[int, str] | None:
        """The bytes and the sha256 of a published file as it lies there now; None where it is missing."""
        with self._translated(file.path):
            if self.files.get_file_info(self._at(file.path)).type != fs.FileType.File:
                return None
            digest, size = hashlib.sha256(), 0
            with self.files.open_input_stream(self._at(file.path)) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
            return size, digest.hexdigest()

    def absolute(self, path: str) -> str:
        """*path* below the root, as the file system names it."""
        return self._at(path)

    def _at(self, path: str) -> str:
        return f"{self.base}/{path}"

    def _list(self, folder: str) -> list[str]:
        selector = fs.FileSelector(self._at(folder), allow_not_found=True)
        with self._translated(folder):
            return [
                f"{folder}/{info.base_name}"
                for info in self.files.get_file_info(selector)
                if info.type == fs.FileType.File
            ]

    def _upload(self, read: Callable[[int], bytes], path: str) -> None:
        # An object appears when its stream is closed; closing after an error would publish half of it.
        stream = self.files.open_output_stream(self._at(path))
        while chunk := read(_CHUNK):
            stream.write(chunk)
        stream.close()

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LocalDisk(
                f"{self.root}: {path}: {error.strerror or error}",
                hint="Check that the root exists, is yours to write and has space; then run the same command again.",
            ) from error


def open_store(root: str) -> Store:
    """Open a root: a folder, or a URI such as ``s3://bucket/path``. Raises `BadInput`; makes nothing."""
    if "://" not in root:
        return Store(root, fs.LocalFileSystem(), str(Path(root).absolute()))
    try:
        files, base = fs.FileSystem.from_uri(root)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{root}: {error}", hint="A root is a folder or an address that begins with s3://, gs:// or abfs://."
        ) from error
    return Store(root, files, base.rstrip("/"))


def manifest_path(day: date) -> str:
    """Where the manifest of *day* lies below the root."""
    return f"{_MANIFESTS}/{day.isoformat()}.json"


def partition(dataset: str, day: date) -> str:
    """The Hive partition of *dataset* for *day*, below the root."""
    return f"{dataset}/snapshot_date={day.isoformat()}"


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        yield file
