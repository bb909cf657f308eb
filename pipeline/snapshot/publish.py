"""From the parts of a finished run to a snapshot: merge, write the roster and the failures, publish, manifest last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa

from pipeline.clock import Clock
from pipeline.events import Compacting, DuplicatesDropped, Observer, Publishing
from pipeline.model.sids import is_sid
from pipeline.model.user_conversation import User
from pipeline.snapshot.batches import blank
from pipeline.snapshot.checkpoint import Checkpoint
from pipeline.snapshot.compaction import compact
from pipeline.snapshot.manifest import (
    Dataset,
    Manifest,
    RequestCounts,
    RosterScope,
    ServiceUsers,
    SnapshotFile,
    TimelineWindow,
    UserCounts,
)
from pipeline.snapshot.parquet_files import FinishedFile, write_rows
from pipeline.snapshot.schema import FAILURES, SCHEMA_VERSION, USERS
from pipeline.snapshot.store import Store, partition
from pipeline.snapshot.workspace import Workspace
from pipeline.stop import StopSwitch

_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Publication:
    """What the manifest says and the checkpoint does not know."""

    run_id: str
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


def publish(
    publication: Publication,
    *,
    checkpoint: Checkpoint,
    store: Store,
    place: Workspace,
    stop: StopSwitch,
    clock: Clock,
    emit: Observer,
) -> Manifest:
    """Put all that a finished run has read under the root; give the manifest, which is written last.

    Doing it again after a kill gives the same files under the same names. Raises `LocalDisk`, and `Stopped` where
    that was asked between two files.
    """
    done = checkpoint.progress()
    finished = list(_merged(publication, checkpoint, place, stop=stop, emit=emit))
    duplicates = done.rows - sum(file.rows for _, file in finished)
    if duplicates:
        emit(DuplicatesDropped(duplicates))
    finished.append(("users", _write_users(publication, checkpoint, place)))
    if done.failed:
        finished.append(("failures", _write_failures(publication, checkpoint, place)))
    files = tuple(_put_all(finished, publication, store, stop, emit))
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        tool_version=publication.tool_version,
        run_id=publication.run_id,
        snapshot_date=publication.snapshot_date,
        account_sid=publication.account_sid,
        base_url=publication.base_url,
        roster=publication.roster,
        services=tuple(ServiceUsers(sid, users) for sid, users in checkpoint.users_by_service().items()),
        started_at=publication.started_at,
        ended_at=clock.now(),
        starts=publication.starts,
        paused_seconds=publication.paused_seconds,
        users=UserCounts(listed=done.listed, read=done.read, vanished=done.vanished, failed=done.failed),
        rows=done.rows - duplicates,
        duplicates_dropped=duplicates,
        unknown_fields=checkpoint.recall("unknown_fields") or {},
        blanked_columns=publication.blanked_columns,
        requests=publication.requests,
        timeline=publication.timeline,
        complete=done.failed == 0,
        files=files,
    )
    store.publish(manifest)
    return manifest


def _merged(
    publication: Publication, checkpoint: Checkpoint, place: Workspace, *, stop: StopSwitch, emit: Observer
) -> Iterator[tuple[Dataset, FinishedFile]]:
    sealed = checkpoint.parts()
    rows, all_rows = 0, sum(part.rows for part in sealed)
    for file in compact(
        [place.parts / part.name for part in sealed],
        place.finished,
        run_id=publication.run_id,
        file_bytes=publication.file_bytes,
    ):
        rows += file.rows
        emit(Compacting(rows, all_rows))
        stop.check()
        yield "user_conversations", file


def _put_all(
    finished: list[tuple[Dataset, FinishedFile]],
    publication: Publication,
    store: Store,
    stop: StopSwitch,
    emit: Observer,
) -> Iterator[SnapshotFile]:
    for number, (dataset, file) in enumerate(finished, start=1):
        path = f"{partition(dataset, publication.snapshot_date)}/{publication.run_id}-{file.path.name[-13:]}"
        store.put(file.path, path)
        emit(Publishing(number, len(finished)))
        yield SnapshotFile(path, dataset, file.rows, file.bytes, file.sha256)
        file.path.unlink()
        stop.check()


def _write_users(publication: Publication, checkpoint: Checkpoint, place: Workspace) -> FinishedFile:
    """The roster as seen, each user with the result."""

    def rows() -> Iterator[dict[str, Any]]:
        for row in checkpoint.users():
            user = msgspec.json.decode(row["resource"], type=User)
            yield msgspec.structs.asdict(user) | {
                "sid": row["sid"] if is_sid(row["sid"], "US") else None,
                "chat_service_sid": row["service"],
                "conversations": row["rows"],
                "result": row["state"],
                "snapshot_at": publication.started_at,
            }

    return write_rows(_tables(rows(), USERS, publication), USERS, place.finished / "users-00000.parquet")


def _write_failures(publication: Publication, checkpoint: Checkpoint, place: Workspace) -> FinishedFile:
    """The users that could not be read, and why."""

    def rows() -> Iterator[dict[str, Any]]:
        for row in checkpoint.users():
            if row["state"] == "failed":
                yield {
                    "chat_service_sid": row["service"],
                    "user_sid": row["sid"] if is_sid(row["sid"], "US") else None,
                    "identity": row["identity"],
                    "reason": row["reason"],
                    "status": row["status"],
                    "code": row["code"],
                    "request_id": row["request_id"],
                    "failed_at": datetime.fromisoformat(row["at"]),
                }

    return write_rows(_tables(rows(), FAILURES, publication), FAILURES, place.finished / "failures-00000.parquet")


def _tables(rows: Iterator[dict[str, Any]], schema: pa.Schema, publication: Publication) -> Iterator[pa.Table]:
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        yield blank(pa.Table.from_pylist(chunk, schema=schema), publication.blanked_columns)
