"""The root under which snapshots are published: a local folder or an object store.

A snapshot exists when its manifest does. Data files get names that no other run uses and are complete before the
manifest names them; what no manifest names does not count. The manifest is put only where nothing stands, or what the
publisher set out to replace: of two publishers at once one wins, and the other is told.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import fs
from pyarrow import parquet as pq

from readstate.errors import BadInput, PublishedMeanwhile
from readstate.snapshot.published.known_user import KnownUser
from readstate.snapshot.published.manifest import Manifest, SnapshotFile, decode_manifest, encode_manifest
from readstate.snapshot.storage.local import LocalObjectStore
from readstate.snapshot.storage.object_store import ObjectInfo, ObjectStore, Version

_MANIFESTS = "_snapshots"
_MANIFEST_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_CHUNK = 1 << 20
_KNOWN = ("chat_service_sid", "sid", "identity", "conversations")
"""Columns of `users` that make a `KnownUser`."""
_DATASETS = ("user_conversations", "users", "failures", "changes")
_PARTITION = re.compile(r"[a-z_]+/snapshot_date=(\d{4}-\d{2}-\d{2})/")


@dataclass(frozen=True, slots=True)
class VersionedManifest:
    """The snapshot that stands for a date, as it was when somebody looked."""

    manifest: Manifest
    version: Version


@dataclass(frozen=True, slots=True)
class SnapshotStore:
    """A root, wherever it lies. What its methods raise is said at `ObjectStore`."""

    root: str
    """As the user wrote it."""
    objects: ObjectStore

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return isinstance(self.objects, LocalObjectStore)

    @property
    def files(self) -> fs.FileSystem:
        """The root's file system, for pyarrow to read."""
        return self.objects.files

    def absolute(self, path: str) -> str:
        """*path* below the root, as `files` names it."""
        return self.objects.absolute(path)

    def prepare(self) -> None:
        """Make the root where that is possible, and prove that it can be written."""
        self.objects.prove_writable()

    def supports_conditional_put(self) -> bool:
        """Try whether the store keeps its word on conditions; leave nothing."""
        path = f"{_MANIFESTS}/.probe-{uuid4().hex}"
        try:
            first = self.objects.put_if(b"first", path, expected=None)
            return first and not self.objects.put_if(b"second", path, expected=None)
        finally:
            self.objects.delete([path])

    def put(self, source: Path, path: str) -> None:
        """Copy a finished local file to *path* below the root, whole or not at all."""
        self.objects.put(source, path)

    def put_bytes(self, content: bytes, path: str) -> None:
        """Write *content* to *path* below the root, whole or not at all."""
        self.objects.put_bytes(content, path)

    def content(self, path: str) -> bytes | None:
        """What a small file below the root holds; None where there is none."""
        found = self.objects.read(path)
        return None if found is None else found.content

    def fetch(self, path: str, target: Path) -> Path:
        """Give a local file with the contents of *path*: the file itself where it is local, else a copy at *target*."""
        return self.objects.fetch(path, target)

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in *folder* below the root."""
        return self.objects.folders(folder)

    def last_change(self, folder: str) -> datetime | None:
        """When the newest file anywhere in *folder* was written; None where there is none."""
        return max((file.changed_at for file in self.objects.listed(folder)), default=None)

    def remove_folder(self, folder: str) -> None:
        """Remove *folder* below the root with all that is in it, if it is there."""
        self.objects.delete_folder(folder)

    def publish(self, manifest: Manifest, *, replaces: VersionedManifest | None = None) -> str:
        """Make a snapshot count: put its manifest where nothing, or *replaces*, stands; then remove what it replaces.

        Give the manifest's path. Raises `PublishedMeanwhile` where another run was first: its snapshot stands, and the
        files of this one are gone again.
        """
        path, content = manifest_path(manifest.snapshot_date), encode_manifest(manifest)
        # What lies there before the manifest can only belong to what it replaces, to runs that died, or to a publisher
        # that has lost now. What comes later may belong to one that is to replace this very snapshot.
        before = self._unnamed(manifest)
        expected = None if replaces is None else replaces.version
        if not self.objects.put_if(content, path, expected=expected):
            self._give_way(manifest)
        self.objects.delete(file.path for file in before & self._unnamed(manifest))
        return path

    def remove(self, manifest: Manifest) -> None:
        """Remove a snapshot: the manifest first, so that nobody reads half of it."""
        self.objects.delete([manifest_path(manifest.snapshot_date)])
        self.objects.delete([file.path for file in manifest.files])
        self.remove_folder(partition("changes", manifest.snapshot_date))

    def orphans(self, *, before: datetime) -> list[ObjectInfo]:
        """Data files that no manifest names, written *before* then: later ones may be named in a moment."""
        unnamed: dict[str, ObjectInfo] = {}
        for dataset in _DATASETS:
            unnamed |= {file.path: file for file in self.objects.listed(dataset) if file.changed_at < before}
        for day in self.dates():
            manifest = self.manifest(day)
            named = set() if manifest is None else {file.path for file in manifest.files}
            changes = partition("changes", day)
            unnamed = {
                path: file for path, file in unnamed.items() if path not in named and not path.startswith(changes)
            }
        return [file for path, file in unnamed.items() if _PARTITION.match(path)]

    def remove_orphans(self, seen: Iterable[ObjectInfo], *, before: datetime) -> list[ObjectInfo]:
        """Remove the orphans that were *seen* and still are such; give them.

        Somebody may have thought about it for hours, in which a run went on and wrote or named one of them.
        """
        orphans = sorted(set(seen).intersection(self.orphans(before=before)), key=lambda file: file.path)
        self.objects.delete(file.path for file in orphans)
        return orphans

    def dates(self) -> list[date]:
        """The dates of all published snapshots, oldest first."""
        names = (file.path.rsplit("/", 1)[-1] for file in self.objects.listed(_MANIFESTS))
        return sorted(date.fromisoformat(name[:10]) for name in names if _MANIFEST_NAME.fullmatch(name))

    def manifest(self, day: date) -> Manifest | None:
        """The manifest of one date; None where no snapshot of it was published. Raises `BadInput`."""
        standing = self.current(day)
        return None if standing is None else standing.manifest

    def current(self, day: date) -> VersionedManifest | None:
        """The snapshot of one date, for `publish` to replace that and no other. Raises `BadInput`."""
        path = manifest_path(day)
        found = self.objects.read(path)
        if found is None:
            return None
        return VersionedManifest(decode_manifest(found.content, where=f"{self.root}/{path}"), found.version)

    def known_users(self, manifest: Manifest) -> Iterator[KnownUser]:
        """Give the users whose conversations a snapshot holds. Raises `BadInput` where its file is damaged."""
        for file in manifest.files:
            if file.dataset == "users":
                try:
                    yield from self._known_users(file.path)
                except pa.ArrowInvalid as error:
                    raise BadInput(
                        f"{self.root}/{file.path}: damaged: {str(error).splitlines()[0]}",
                        hint=f"readstate snapshots {self.root} --verify tells what else is.",
                    ) from error

    def _known_users(self, path: str) -> Iterator[KnownUser]:
        # Not read_table: it imports pyarrow's datasets, 40 MB that an export does not need.
        with self.objects.told(path), self.files.open_input_file(self.absolute(path)) as source:
            for batch in pq.ParquetFile(source).iter_batches(columns=list(_KNOWN)):
                read = batch.filter(pc.is_valid(batch["conversations"]))
                columns = [read[column].to_pylist() for column in _KNOWN]
                yield from (KnownUser(*user) for user in zip(*columns, strict=True))

    def checksum(self, file: SnapshotFile) -> tuple[int, str] | None:
        """The bytes and the sha256 of a published file as it lies there now; None where it is missing."""
        with self.objects.told(file.path):
            try:
                stream = self.files.open_input_stream(self.absolute(file.path))
            except FileNotFoundError:
                return None
            digest, size = hashlib.sha256(), 0
            with stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
            return size, digest.hexdigest()

    def _unnamed(self, manifest: Manifest) -> set[ObjectInfo]:
        """The data files of the manifest's date that it does not name."""
        named = {file.path for file in manifest.files}
        folders = (partition(dataset, manifest.snapshot_date) for dataset in _DATASETS)
        return {file for folder in folders for file in self.objects.listed(folder) if file.path not in named}

    def _give_way(self, manifest: Manifest) -> None:
        """Raise `PublishedMeanwhile`, unless another process has put this very snapshot."""
        standing = self.manifest(manifest.snapshot_date)
        if standing is not None and standing.run_id == manifest.run_id and standing.files == manifest.files:
            return
        kept = set() if standing is None else {file.path for file in standing.files}
        self.objects.delete(file.path for file in manifest.files if file.path not in kept)
        by = "was removed" if standing is None else f"was published by run {standing.run_id}"
        raise PublishedMeanwhile(
            f"{self.root}: the snapshot of {manifest.snapshot_date} {by} while run {manifest.run_id} was publishing it,"
            " which gave way: none of its files is left there",
            hint=f"Look at what stands: readstate snapshots {self.root}\n"
            "What this run has read is kept. To replace that snapshot with it: the same command with --again.",
        )


def open_store(root: str) -> SnapshotStore:
    """Open a root: a folder, or a URI such as ``s3://bucket/path``. Raises `BadInput`; makes nothing."""
    if "://" not in root:
        return SnapshotStore(root, LocalObjectStore(root, Path(root).absolute()))
    from readstate.snapshot.storage.cloud import open_cloud_store

    return SnapshotStore(root, open_cloud_store(root))


def manifest_path(day: date) -> str:
    """Where the manifest of *day* lies below the root."""
    return f"{_MANIFESTS}/{day.isoformat()}.json"


def partition(dataset: str, day: date) -> str:
    """The Hive partition of *dataset* for *day*, below the root."""
    return f"{dataset}/snapshot_date={day.isoformat()}"
