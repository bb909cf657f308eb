"""Where shards leave what they read until all are there: below the root, under names that no reader looks for.

A shard's files are named after their contents and its manifest comes last, so that a shard that is killed, run again,
or run twice at once never spoils what another try has left.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeVar

import msgspec

from readstate.errors import BadInput
from readstate.snapshot.published.manifest import RosterScope, ServiceUsers, UserCounts
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.roster.shard import Shard, shard_of
from readstate.snapshot.workspace.run import RunRecord

STAGING = "_staging"
STAGING_VERSION = 1
_NOTE = "begun.json"
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
    """What a shard tells the others when it begins."""

    snapshot_date: date
    options: dict[str, Any]
    """What must be the same for all shards of a run."""
    command: tuple[str, ...]
    """The line that runs it, but for which shard it is."""


class ShardManifest(msgspec.Struct, frozen=True, kw_only=True):
    """All about one shard that was read to its end; written when all of its files are there."""

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
    """As they came: some may have come twice."""
    unknown_fields: dict[str, int]
    files: tuple[StagedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Staging:
    """The shards of one run. What is not of this version raises `BadInput`; else what is said at `ObjectStore`."""

    store: SnapshotStore
    run_id: str

    @property
    def folder(self) -> str:
        """Where they lie below the root."""
        return f"{STAGING}/{self.run_id}"

    def path(self, shard: Shard, name: str) -> str:
        """Where a file of *shard* lies below the root."""
        return f"{self.folder}/{shard.folder}/{name}"

    def shards(self) -> list[Shard]:
        """Every shard that has left anything."""
        return sorted(filter(None, map(shard_of, self.store.objects.list_folders(self.folder))))

    def is_completed(self, shard: Shard) -> bool:
        """Whether *shard* counts, in whatever version it was written."""
        return self.store.objects.read(self.path(shard, _MANIFEST)) is not None

    def register(self, shard: Shard, note: ShardRegistration) -> None:
        """Tell the other shards that this one begins."""
        self.store.objects.put_bytes(msgspec.json.encode(note), self.path(shard, _NOTE))

    def registered(self) -> dict[Shard, ShardRegistration]:
        """The shards that were begun, finished or not."""
        return self._documents(_NOTE, ShardRegistration)

    def complete(self, manifest: ShardManifest) -> None:
        """Make a shard count: everything that it names is there."""
        self.store.objects.put_bytes(msgspec.json.encode(manifest), self.path(manifest.shard, _MANIFEST))

    def completed(self) -> dict[Shard, ShardManifest]:
        """The shards that count."""
        return self._documents(_MANIFEST, ShardManifest)

    def manifest(self, shard: Shard) -> ShardManifest | None:
        """What one shard has left; None where it is not finished."""
        return self._document(shard, _MANIFEST, ShardManifest)

    def remove(self) -> None:
        """Forget all shards of the run."""
        self.store.objects.delete_folder(self.folder)

    def _documents(self, name: str, kind: type[Document]) -> dict[Shard, Document]:
        found = {shard: self._document(shard, name, kind) for shard in self.shards()}
        return {shard: document for shard, document in found.items() if document is not None}

    def _document(self, shard: Shard, name: str, kind: type[Document]) -> Document | None:
        path = self.path(shard, name)
        found = self.store.objects.read(path)
        if found is None:
            return None
        try:
            return msgspec.json.decode(found.content, type=kind)
        except msgspec.DecodeError as error:
            raise BadInput(
                f"{self.store.root}/{path}: not of this version of readstate: {error}",
                hint="Run all shards, and publish, with one version; then run this shard again with --restart.",
            ) from error
