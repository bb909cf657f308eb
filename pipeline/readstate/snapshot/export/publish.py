"""From the parts of a finished run to a snapshot: merge, write the roster and the failures, publish, manifest last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from readstate.clock import Clock
from readstate.events import Compacting, DuplicatesDropped, Observer, Publishing
from readstate.snapshot.export.result import Findings
from readstate.snapshot.parts.compaction import compact
from readstate.snapshot.published.manifest import (
    Dataset,
    Manifest,
    RequestCounts,
    RosterScope,
    SnapshotFile,
    TimelineWindow,
)
from readstate.snapshot.published.parquet import FinishedFile
from readstate.snapshot.published.roster_tables import write_failures, write_users
from readstate.snapshot.published.schema import SCHEMA_VERSION
from readstate.snapshot.published.snapshot_store import SnapshotStore, VersionedManifest, partition
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch


@dataclass(frozen=True, slots=True)
class Publication:
    """What the manifest says besides what was found."""

    run_id: str
    file_stem: str
    """What the names of its files begin with: no other contents may ever get these names."""
    snapshot_date: date
    started_at: datetime
    starts: int
    paused_seconds: float
    account_sid: str | None
    base_url: str
    roster: RosterScope
    blanked_columns: tuple[str, ...]
    requests: RequestCounts
    timeline: tuple[TimelineWindow, ...]
    file_bytes: int
    tool_version: str
    replaces: VersionedManifest | None = None
    """The snapshot that this one is to replace; None where none may stand."""


def publish(
    publication: Publication,
    findings: Findings,
    *,
    store: SnapshotStore,
    workspace: Workspace,
    stop: StopSwitch,
    clock: Clock,
    emit: Observer,
) -> Manifest:
    """Put all that a finished run has read under the root; give the manifest, which is written last.

    Doing it again after a kill gives the same files under the same names. Raises `PublishedMeanwhile`, what
    the store raises, and `Stopped` where that was asked between two files.
    """
    finished = list(_merged(publication, findings, workspace, stop=stop, emit=emit))
    duplicates = findings.rows - sum(file.rows for _, file in finished)
    if duplicates:
        emit(DuplicatesDropped(duplicates))
    blanked = publication.blanked_columns
    rows = (row | {"snapshot_at": publication.started_at} for row in findings.roster())
    finished.append(("users", write_users(rows, workspace.finished, blanked_columns=blanked)))
    if findings.users.failed:
        finished.append(("failures", write_failures(findings.failures(), workspace.finished, blanked_columns=blanked)))
    files = tuple(_put_all(finished, publication, store, stop, emit))
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        tool_version=publication.tool_version,
        run_id=publication.run_id,
        snapshot_date=publication.snapshot_date,
        account_sid=publication.account_sid,
        base_url=publication.base_url,
        roster=publication.roster,
        services=findings.services,
        started_at=publication.started_at,
        ended_at=clock.now(),
        starts=publication.starts,
        paused_seconds=publication.paused_seconds,
        users=findings.users,
        rows=findings.rows - duplicates,
        duplicates_dropped=duplicates,
        unknown_fields=findings.unknown_fields,
        blanked_columns=publication.blanked_columns,
        requests=publication.requests,
        timeline=publication.timeline,
        complete=findings.users.failed == 0,
        files=files,
    )
    store.publish(manifest, replaces=publication.replaces)
    return manifest


def _merged(
    publication: Publication, findings: Findings, workspace: Workspace, *, stop: StopSwitch, emit: Observer
) -> Iterator[tuple[Dataset, FinishedFile]]:
    rows = 0
    for file in compact(
        findings.parts,
        workspace.finished,
        run_id=publication.run_id,
        snapshot_at=publication.started_at,
        file_bytes=publication.file_bytes,
    ):
        rows += file.rows
        emit(Compacting(rows, findings.rows))
        stop.raise_if_stopped()
        yield "user_conversations", file


def _put_all(
    finished: list[tuple[Dataset, FinishedFile]],
    publication: Publication,
    store: SnapshotStore,
    stop: StopSwitch,
    emit: Observer,
) -> Iterator[SnapshotFile]:
    for number, (dataset, file) in enumerate(finished, start=1):
        # Named after its contents too: a run that is resumed never writes over what it has published before.
        name = f"{publication.file_stem}-{file.path.name[-13:-8]}-{file.sha256[:8]}.parquet"
        path = f"{partition(dataset, publication.snapshot_date)}/{name}"
        store.objects.put(file.path, path)
        emit(Publishing(number, len(finished)))
        yield SnapshotFile(path, dataset, file.rows, file.bytes, file.sha256)
        file.path.unlink()
        stop.raise_if_stopped()
