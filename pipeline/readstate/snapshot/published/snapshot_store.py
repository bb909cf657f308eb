"""The root under which snapshots are published: a local folder or an object store.

A snapshot exists when its manifest does. Data files get names that no other run uses and are complete before the
manifest names them; a file that no manifest names is not part of any snapshot. The manifest is written by a conditional
put, so that of two runs that publish the same date at once one wins, and the other raises `PublishedMeanwhile`.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pyarrow as pa
from msgspec import Struct
from pyarrow import compute as pc
from pyarrow import parquet as pq

from readstate.disk.files import require_utf8, translate_os_errors
from readstate.errors import BadInput, LocalDisk, PublishedMeanwhile
from readstate.model.ids import is_sid
from readstate.snapshot.published.manifest import Manifest, decode_manifest, encode_manifest, partition
from readstate.snapshot.published.schema import USERS
from readstate.snapshot.storage.address import is_address
from readstate.snapshot.storage.local import LocalObjectStore
from readstate.snapshot.storage.object_store import ObjectInfo, ObjectStore, Version

_MANIFESTS = "_snapshots"
_MANIFEST_PATH = re.compile(rf"{_MANIFESTS}/(\d{{4}}-\d{{2}}-\d{{2}})\.json", re.ASCII)
_CHUNK = 1 << 20
_DATASETS = ("user_conversations", "users", "failures", "changes")
_PARTITION = re.compile(r"[a-z_]+/snapshot_date=(\d{4}-\d{2}-\d{2})/")


class KnownUser(NamedTuple):
    """A user whose conversations a snapshot holds."""

    chat_service_sid: str
    user_sid: str
    identity: str | None
    """Never changes at Twilio; None also where the snapshot leaves personal data out."""
    conversations: int


_KNOWN_USER_COLUMNS = pa.schema(
    [USERS.field(name) for name in ("chat_service_sid", "sid", "identity", "conversations")]
)


class VersionedManifest(Struct, frozen=True):
    """The current snapshot of a date, and the version of its manifest."""

    manifest: Manifest
    version: Version


class SnapshotStore(Struct, frozen=True):
    """The snapshots below a root. All methods raise what `ObjectStore` does."""

    root: str
    """As the user wrote it."""
    objects: ObjectStore

    def supports_conditional_put(self) -> bool:
        """Return whether the store honours the condition of a conditional put; the probe is removed."""
        path = f"{_MANIFESTS}/.probe-{uuid4().hex}"
        try:
            first = self.objects.put_if(b"first", path, expected=None)
            return first and not self.objects.put_if(b"second", path, expected=None)
        finally:
            self.objects.delete([path])

    def publish(self, manifest: Manifest, *, replaces: VersionedManifest | None = None) -> str:
        """Commit a snapshot: put its manifest where none, or *replaces*, is current; then remove the files replaced.

        Return the manifest's path. Raise `PublishedMeanwhile` where another run published first: its snapshot stays,
        and the files of this one are removed.
        """
        path, content = manifest_path(manifest.snapshot_date), encode_manifest(manifest)
        # Delete only files that were listed both before and after the conditional put: files that appear later may
        # belong to a newer publisher.
        before = self._unnamed(manifest)
        expected = None if replaces is None else replaces.version
        if not self.objects.put_if(content, path, expected=expected):
            self._resolve_conflict(manifest)
        self.objects.delete(file.path for file in before & self._unnamed(manifest))
        return path

    def remove(self, manifest: Manifest) -> None:
        """Remove a snapshot: the manifest first, so that no reader finds a part of it."""
        self.objects.delete([manifest_path(manifest.snapshot_date)])
        # A crash here leaves orphans, which the next pruning removes; no manifest names a missing file.
        self.objects.delete([file.path for file in manifest.files])
        self.objects.delete_folder(partition("changes", manifest.snapshot_date))

    def orphans(self, *, before: datetime) -> list[ObjectInfo]:
        """Return the data files that no manifest names, written *before* then: newer ones may be named in a moment."""
        unnamed: dict[str, ObjectInfo] = {}
        for dataset in _DATASETS:
            unnamed |= {file.path: file for file in self.objects.list_objects(dataset) if file.last_modified < before}
        for day in self.dates():
            manifest = self.manifest(day)
            named = set() if manifest is None else {file.path for file in manifest.files}
            changes = partition("changes", day)
            unnamed = {
                path: file for path, file in unnamed.items() if path not in named and not path.startswith(changes)
            }
        return [file for path, file in unnamed.items() if _PARTITION.match(path)]

    def remove_orphans(self, seen: Iterable[ObjectInfo], *, before: datetime) -> list[ObjectInfo]:
        """Remove those of *seen* that are orphans still; return them.

        Between the listing and the user's consent hours may pass, in which a resumed run wrote or named one of them.
        """
        orphans = sorted(set(seen).intersection(self.orphans(before=before)), key=lambda file: file.path)
        self.objects.delete(file.path for file in orphans)
        return orphans

    def last_modified(self, folder: str) -> datetime | None:
        """Return when the newest file below *folder* was written; None where there is none."""
        return max((file.last_modified for file in self.objects.list_objects(folder)), default=None)

    def dates(self) -> list[date]:
        """Return the dates of all published snapshots, oldest first."""
        return sorted(filter(None, (_day_of(file.path) for file in self.objects.list_objects(_MANIFESTS))))

    def date_before(self, day: date) -> date | None:
        """Return the date of the newest snapshot that is older than *day*; None where there is none."""
        return max((known for known in self.dates() if known < day), default=None)

    def manifest(self, day: date) -> Manifest | None:
        """Return the manifest of one date; None where no snapshot of it was published. Raise `BadInput`."""
        current = self.current(day)
        return None if current is None else current.manifest

    def published_run(self, day: date) -> str | None:
        """Return the id of the run that has published a date; None where no snapshot of it was. Raise `BadInput`."""
        manifest = self.manifest(day)
        return None if manifest is None else manifest.run_id

    def current(self, day: date) -> VersionedManifest | None:
        """Return the manifest of one date with its version, for `publish` to replace. Raise `BadInput`."""
        path = manifest_path(day)
        found = self.objects.read(path)
        if found is None:
            return None
        return VersionedManifest(decode_manifest(found.content, day=day, where=f"{self.root}/{path}"), found.version)

    def known_users(self, manifest: Manifest) -> Iterator[KnownUser]:
        """Yield the users whose conversations a snapshot holds. Raise `BadInput` where its file is damaged."""
        for file in manifest.files_of("users"):
            try:
                yield from self._known_users(file.path)
            except (pa.ArrowException, KeyError) as error:
                raise BadInput(
                    f"{self.root}/{file.path}: damaged: {str(error).splitlines()[0]}",
                    hint=f"readstate snapshots {self.root} --verify lists all damaged files.",
                ) from error

    def _known_users(self, path: str) -> Iterator[KnownUser]:
        # Not read_table: it imports pyarrow's datasets, 40 MB that an export does not need.
        with self.objects.translate_errors(path), self._open(path) as source:
            for batch in pq.ParquetFile(source).iter_batches(columns=_KNOWN_USER_COLUMNS.names):
                read = batch.filter(pc.is_valid(batch["conversations"]))
                columns = [read[field.name].cast(field.type).to_pylist() for field in _KNOWN_USER_COLUMNS]
                users = (KnownUser(*user) for user in zip(*columns, strict=True))
                # Only these can be asked about, and they become requests before Twilio has listed them.
                yield from (one for one in users if _is_user(one))

    def put(self, source: Path, path: str, *, size: int, sha256: str) -> None:
        """Copy a finished local file to *path* and read the copy back. Raise `LocalDisk` where it is not what it was.

        *size* and *sha256* are of what was written to the file, not of what can be read from it.
        """
        self.objects.put(source, path)
        if self.checksum(path) != (size, sha256):
            raise LocalDisk(
                f"{self.root}/{path}: read back, it is not what was written: nothing was published",
                hint="Look at the disk of the work folder, and at that of the root or its mount. Then run the same"
                " command again:\nit writes the file anew.",
            )

    def checksum(self, path: str) -> tuple[int, str] | None:
        """Return the size and the sha256 of a file as it is stored now; None where it is missing."""
        with self.objects.translate_errors(path):
            try:
                stream = self._open(path)
            except FileNotFoundError:
                return None
            digest, size = hashlib.sha256(), 0
            with stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
            return size, digest.hexdigest()

    def _open(self, path: str) -> pa.NativeFile:
        return self.objects.filesystem.open_input_file(self.objects.absolute(path))

    def _unnamed(self, manifest: Manifest) -> set[ObjectInfo]:
        """Return the data files of the manifest's date that it does not name."""
        named = {file.path for file in manifest.files}
        folders = (partition(dataset, manifest.snapshot_date) for dataset in _DATASETS)
        return {file for folder in folders for file in self.objects.list_objects(folder) if file.path not in named}

    def _resolve_conflict(self, manifest: Manifest) -> None:
        """Raise `PublishedMeanwhile`, unless another process of the same run has published this very snapshot."""
        current = self.manifest(manifest.snapshot_date)
        if current is not None and current.run_id == manifest.run_id and current.files == manifest.files:
            return
        # File names contain a hash of the contents: a winner of the same run may share files with this one.
        kept = set() if current is None else {file.path for file in current.files}
        self.objects.delete(file.path for file in manifest.files if file.path not in kept)
        by = "was removed" if current is None else f"was published by run {current.run_id}"
        raise PublishedMeanwhile(
            f"{self.root}: the snapshot of {manifest.snapshot_date} {by} while run {manifest.run_id} was publishing it;"
            f" run {manifest.run_id} has removed its own files and published nothing",
            hint=f"See what is published: readstate snapshots {self.root}\n"
            "What this run has read is kept. To replace that snapshot with it: the same command with --again.",
        )


def _is_user(known: KnownUser) -> bool:
    return is_sid(known.chat_service_sid or "", "IS") and is_sid(known.user_sid or "", "US")


def open_store(root: str) -> SnapshotStore:
    """Open a root: a folder, or a URI such as ``s3://bucket/path``. Create nothing. Raise `BadInput`."""
    if is_address(root):
        from readstate.snapshot.storage.cloud import open_cloud_store  # noqa: PLC0415 - obstore, for addresses alone

        return SnapshotStore(root, open_cloud_store(root))
    with translate_os_errors("the current folder", hint="It no longer exists: change to another with cd."):
        folder = Path(root).absolute()
    require_utf8(folder)  # so are Arrow's paths
    return SnapshotStore(root, LocalObjectStore(root, folder))


def _day_of(path: str) -> date | None:
    """Return the date of a manifest; None for other paths, such as a probe or a date that is none."""
    match = _MANIFEST_PATH.fullmatch(path)
    try:
        return None if match is None else date.fromisoformat(match[1])
    except ValueError:
        return None


def manifest_path(day: date) -> str:
    """Return the path of the manifest of *day* below the root."""
    return f"{_MANIFESTS}/{day.isoformat()}.json"
