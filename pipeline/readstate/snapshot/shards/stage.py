"""From a shard that was read to its end to files that wait below the root for the other shards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from readstate.events import Observer, Publishing
from readstate.files import sha256_of
from readstate.snapshot.export.result import Findings
from readstate.snapshot.published.roster_tables import write_failures, write_users
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.staging import ShardManifest, StagedFile, Staging
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch


def stage(
    draft: ShardManifest,
    findings: Findings,
    *,
    store: SnapshotStore,
    place: Workspace,
    stop: StopSwitch,
    emit: Observer,
) -> ShardManifest:
    """Put what a shard found below the root, and then, last, *draft* with the files in it; give that.

    Doing it again after a kill gives the same. Raises `LocalDisk`, and `Stopped` where that was asked between two
    files.
    """
    staging = Staging(store, draft.run_id)
    local = list(_local_files(findings, place, draft))
    files = []
    for number, (dataset, path) in enumerate(local, start=1):
        sha256 = sha256_of(path)
        staged = staging.path(draft.shard, f"{dataset}-{sha256[:16]}{path.suffix}")
        store.objects.put(path, staged)
        files.append(StagedFile(staged, dataset, path.stat().st_size, sha256))
        emit(Publishing(number, len(local)))
        stop.check()
    manifest = msgspec.structs.replace(draft, files=tuple(files))
    staging.complete(manifest)
    return manifest


def _local_files(
    findings: Findings, place: Workspace, draft: ShardManifest
) -> Iterator[tuple[Literal["part", "users", "failures"], Path]]:
    for path in findings.parts:
        yield "part", path
    blanked = draft.blanked_columns
    yield "users", write_users(findings.roster(), place.finished, blanked_columns=blanked).path
    if findings.users.failed:
        yield "failures", write_failures(findings.failures(), place.finished, blanked_columns=blanked).path
