"""Files of finished shards wait below the root, under names that no reader looks for, until all shards are there.

A shard's files are named by a hash of their contents and its manifest is written last, so that a shard that is killed,
run again, or run twice at once never overwrites what another attempt has staged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from readstate.errors import BadInput
from readstate.events import Observer, Publishing
from readstate.files import sha256_of
from readstate.snapshot.export.result import Findings
from readstate.snapshot.published.manifest import RosterScope, ServiceUsers, UserCounts
from readstate.snapshot.published.roster_tables import write_failures, write_users
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.roster.shard import Shard, shard_of
from readstate.snapshot.workspace.run import RunRecord
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch

STAGING = "_staging"
STAGING_VERSION = 2
"""Of what a shard stages, its parts included: raise it with each change of their format."""
_REGISTRATION = "begun.json"
_MANIFEST = "shard.json"

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
    schema_version: int
    tool_version: str
    run_id: str
    shard: Shard
    snapshot_date: date
    options: dict[str, Any]
    account_sid: str | None
    base_url: str
    roster: RosterScope
    blanked_columns: tuple[str, ...]
    started_at: datetime
    ended_at: datetime
    record: RunRecord
    services: tuple[ServiceUsers, ...]
    users: UserCounts
    rows: int
    """Rows read, with duplicates."""
    unknown_fields: dict[str, int]
    files: tuple[StagedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Staging:
    """The shards of one run. Raises `BadInput` for documents of another version, and what `ObjectStore` raises."""

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
        return sorted(filter(None, map(shard_of, self.store.objects.list_folders(self.folder))))

    def is_completed(self, shard: Shard) -> bool:
        """Return whether *shard* is complete, in whatever version it was written."""
        return self.store.objects.read(self.path(shard, _MANIFEST)) is not None

    def register(self, shard: Shard, registration: ShardRegistration) -> None:
        """Publish to the other shards that this one begins."""
        self.store.objects.put_bytes(msgspec.json.encode(registration), self.path(shard, _REGISTRATION))

    def registered(self) -> dict[Shard, ShardRegistration]:
        """Return the shards that were begun, complete or not."""
        return self._documents(_REGISTRATION, ShardRegistration)

    def complete(self, manifest: ShardManifest) -> None:
        """Commit a shard: all files that its manifest names are staged."""
        self.store.objects.put_bytes(msgspec.json.encode(manifest), self.path(manifest.shard, _MANIFEST))

    def completed(self) -> dict[Shard, ShardManifest]:
        """Return the complete shards."""
        return self._documents(_MANIFEST, ShardManifest)

    def manifest(self, shard: Shard) -> ShardManifest | None:
        """Return the manifest of one shard; None where it is not complete."""
        return self._document(shard, _MANIFEST, ShardManifest)

    def remove(self) -> None:
        """Remove all shards of the run."""
        self.store.objects.delete_folder(self.folder)

    def _documents(self, name: str, document_type: type[Document]) -> dict[Shard, Document]:
        found = {shard: self._document(shard, name, document_type) for shard in self.shards()}
        return {shard: document for shard, document in found.items() if document is not None}

    def _document(self, shard: Shard, name: str, document_type: type[Document]) -> Document | None:
        path = self.path(shard, name)
        found = self.store.objects.read(path)
        if found is None:
            return None
        try:
            return msgspec.json.decode(found.content, type=document_type)
        except msgspec.DecodeError as error:
            raise BadInput(
                f"{self.store.root}/{path}: not of this version of readstate: {error}",
                hint="Run all shards, and publish, with one version; then run this shard again with --restart.",
            ) from error


def stage(
    draft: ShardManifest,
    findings: Findings,
    *,
    store: SnapshotStore,
    workspace: Workspace,
    stop: StopSwitch,
    emit: Observer,
) -> ShardManifest:
    """Upload the files of a shard and then, last, *draft* completed with their names; return that manifest.

    Idempotent: a rerun after a crash uploads the same files. Raises `LocalDisk`, and `Stopped` between two files.
    """
    staging = Staging(store, draft.run_id)
    local = list(_local_files(findings, workspace, draft))
    files = []
    for number, (dataset, path) in enumerate(local, start=1):
        sha256 = sha256_of(path)
        staged = staging.path(draft.shard, f"{dataset}-{sha256[:16]}{path.suffix}")
        store.objects.put(path, staged)
        files.append(StagedFile(staged, dataset, path.stat().st_size, sha256))
        emit(Publishing(number, len(local)))
        stop.raise_if_stopped()
    manifest = msgspec.structs.replace(draft, files=tuple(files))
    staging.complete(manifest)
    return manifest


def _local_files(
    findings: Findings, workspace: Workspace, draft: ShardManifest
) -> Iterator[tuple[Literal["part", "users", "failures"], Path]]:
    for path in findings.parts:
        yield "part", path
    blanked = draft.blanked_columns
    yield "users", write_users(findings.roster(), workspace.finished, blanked_columns=blanked).path
    if findings.users.failed:
        yield "failures", write_failures(findings.failures(), workspace.finished, blanked_columns=blanked).path
