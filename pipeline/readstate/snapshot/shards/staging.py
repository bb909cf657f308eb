"""Files of finished shards wait below the root, under names that no reader looks for, until all shards are there.

A shard's files are named by a hash of their contents and its manifest is written last, so that a shard that is killed,
run again, or run twice at once never overwrites what another attempt has staged.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from readstate.disk.files import sha256_of
from readstate.errors import BadInput
from readstate.events import Observer, Publishing
from readstate.foreign_json import UnusableJson, decode_json
from readstate.snapshot.export.result import RunRows
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.roster_tables import write_failures, write_users
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.roster.shard import Shard, parse_shard_folder
from readstate.snapshot.workspace.run import Span
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch

STAGING = "_staging"
STAGING_VERSION = 4
"""Of what a shard stages, its parts included: raise it with each change of their format."""
_REGISTRATION = "begun.json"
_MANIFEST = "shard.json"

_STAGED_NAME = re.compile(r"[a-z]+-[0-9a-f]{16}\.[a-z]+")

Document = TypeVar("Document", bound=msgspec.Struct)


class StagedFile(msgspec.Struct, frozen=True):
    """One file of a shard."""

    path: str
    """Below the root, with forward slashes."""
    dataset: Literal["part", "users", "failures"]
    bytes: int
    sha256: str


class ShardRegistration(msgspec.Struct, frozen=True, kw_only=True):
    """What a shard publishes to the other shards when it begins."""

    snapshot_date: date
    options: dict[str, Any]
    """The options that must be equal for all shards of a run."""
    command: tuple[str, ...]
    """The command that runs it, without ``--shard``."""


class ShardManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One completed shard; written after all of its files."""

    staging_version: int = STAGING_VERSION
    shard: Shard
    options: dict[str, Any]
    spans: tuple[Span, ...]
    """One for each start of the shard."""
    draft: Manifest
    """The manifest as it would be if this shard were the whole export, without files and with duplicates counted."""
    files: tuple[StagedFile, ...] = ()


class Staging(Struct, frozen=True):
    """One run's shards. Methods raise `BadInput` for another version's files, and what `ObjectStore` raises."""

    store: SnapshotStore
    run_id: str

    @property
    def folder(self) -> str:
        """The run's folder below the root."""
        return f"{STAGING}/{self.run_id}"

    def path(self, shard: Shard, name: str) -> str:
        """Return the path of a file of *shard* below the root."""
        return f"{self.folder}/{shard.folder}/{name}"

    def shards(self) -> list[Shard]:
        """Return the shards that have staged anything."""
        return sorted(filter(None, map(parse_shard_folder, self.store.objects.list_folders(self.folder))))

    def is_completed(self, shard: Shard) -> bool:
        """Return whether *shard* is complete, in whatever version it was written."""
        return self.store.objects.read(self.path(shard, _MANIFEST)) is not None

    def register(self, shard: Shard, registration: ShardRegistration) -> None:
        """Publish to the other shards that this one begins."""
        self.store.objects.put_bytes(msgspec.json.encode(registration), self.path(shard, _REGISTRATION))

    def registered(self) -> dict[Shard, ShardRegistration]:
        """Return the shards that were begun, complete or not."""
        found = self._documents(_REGISTRATION, ShardRegistration)
        for shard, registration in found.items():
            # It is shown to be typed.
            if registration.command[:2] not in {(), ("readstate", "export")}:
                raise self._distrusted(shard, _REGISTRATION, "a command that is no export")
        return found

    def complete(self, manifest: ShardManifest) -> None:
        """Commit a shard: all files that its manifest names are staged."""
        self.store.objects.put_bytes(msgspec.json.encode(manifest), self.path(manifest.shard, _MANIFEST))

    def completed(self) -> dict[Shard, ShardManifest]:
        """Return the shards that are complete."""
        found = self._documents(_MANIFEST, ShardManifest)
        for shard, manifest in found.items():
            self._require_own_files(shard, manifest)
        return found

    def manifest(self, shard: Shard) -> ShardManifest | None:
        """Return the manifest of one shard; None where it is not complete."""
        found = self._document(shard, _MANIFEST, ShardManifest)
        if found is not None:
            self._require_own_files(shard, found)
        return found

    def remove(self) -> None:
        self.store.objects.delete_folder(self.folder)

    def _require_own_files(self, shard: Shard, manifest: ShardManifest) -> None:
        """Raise `BadInput` unless the manifest is of *shard* and names files of its folder alone: they are copied."""
        if (manifest.shard, manifest.draft.run_id) != (shard, self.run_id):
            raise self._distrusted(shard, _MANIFEST, f"shard {manifest.shard} of run {manifest.draft.run_id}")
        for file in manifest.files:
            folder, _, name = file.path.rpartition("/")
            if folder != f"{self.folder}/{shard.folder}" or not _STAGED_NAME.fullmatch(name):
                raise self._distrusted(shard, _MANIFEST, repr(file.path))

    def _distrusted(self, shard: Shard, name: str, what: str) -> BadInput:
        return BadInput(
            f"{self.store.root}/{self.path(shard, name)}: names {what}: not as readstate wrote it, so it is not used",
            hint="Find out who changed it; then run this shard again with --restart.",
        )

    def _documents(self, name: str, document_type: type[Document]) -> dict[Shard, Document]:
        found = {shard: self._document(shard, name, document_type) for shard in self.shards()}
        return {shard: document for shard, document in found.items() if document is not None}

    def _document(self, shard: Shard, name: str, document_type: type[Document]) -> Document | None:
        path = self.path(shard, name)
        found = self.store.objects.read(path)
        if found is None:
            return None
        # Shards of one run may be written by several machines, and one of them may have another version of readstate.
        try:
            return decode_json(found.content, document_type)
        except UnusableJson as error:
            raise BadInput(
                f"{self.store.root}/{path}: not of this version of readstate: {error}",
                hint="Run all shards, and publish, with one version; then run this shard again with --restart.",
            ) from error


def stage(
    manifest: ShardManifest,
    rows: RunRows,
    *,
    store: SnapshotStore,
    workspace: Workspace,
    stop: StopSwitch,
    emit: Observer,
) -> ShardManifest:
    """Upload the files of a shard and then, last, *manifest* completed with their names; return that manifest.

    Idempotent: a rerun after a crash uploads the same files. Raise `LocalDisk`, and `Stopped` between two files.
    """
    staging = Staging(store, manifest.draft.run_id)
    local = list(_local_files(rows, workspace, manifest.draft))
    files = []
    for number, (dataset, path) in enumerate(local, start=1):
        sha256, size = sha256_of(path), path.stat().st_size
        staged = staging.path(manifest.shard, f"{dataset}-{sha256[:16]}{path.suffix}")
        store.put(path, staged, size=size, sha256=sha256)
        files.append(StagedFile(staged, dataset, size, sha256))
        emit(Publishing(number, len(local)))
        stop.raise_if_stopped()
    completed = msgspec.structs.replace(manifest, files=tuple(files))
    staging.complete(completed)
    return completed


def _local_files(
    rows: RunRows, workspace: Workspace, draft: Manifest
) -> Iterator[tuple[Literal["part", "users", "failures"], Path]]:
    for path in rows.parts:
        yield "part", path
    blanked = draft.blanked_columns
    yield "users", write_users(rows.users, workspace.finished, blanked_columns=blanked).path
    yield "failures", write_failures(rows.failures, workspace.finished, blanked_columns=blanked).path
