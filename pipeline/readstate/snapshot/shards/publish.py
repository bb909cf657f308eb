"""From the staged shards of a run to a snapshot, by whoever comes first; whoever comes later finds it done."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import msgspec

from readstate.clock import Clock
from readstate.errors import BadInput, GuardRefused, LocalDisk, Locked
from readstate.events import Observer
from readstate.model.quantities import Allowance
from readstate.snapshot.export.publish import Publication, publish
from readstate.snapshot.export.result import refuse_if_too_many_failed
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.agreement import require_all_shards
from readstate.snapshot.shards.assemble import merge_run_records, merge_shards, sum_user_counts
from readstate.snapshot.shards.staging import ShardManifest, Staging
from readstate.snapshot.workspace.spans import Span, idle_seconds
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch

_NEWEST = 10


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What is to become of the shards of a run."""

    run_id: str
    max_failed_users: Allowance
    on_incomplete: Literal["publish", "refuse"]
    file_bytes: int
    tool_version: str
    replaces: bool = False
    """Whether it may take the place of another run's snapshot of the same date."""
    keeps_staging: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """A snapshot, and whether it had been published before."""

    manifest: Manifest
    already: bool


def publish_run(
    options: PublishOptions, *, store: SnapshotStore, place: Workspace, stop: StopSwitch, clock: Clock, emit: Observer
) -> Published:
    """Publish what the shards of a run have staged, as one export would have; then remove what was staged.

    Raises `GuardRefused` where a shard is missing, too many users failed, or another run has published this date;
    `BadInput` where the shards are not of one run, `LocalDisk`, and `Stopped`.
    """
    staging = Staging(store, options.run_id)
    days = {note.snapshot_date for note in staging.registered().values()}
    if not days:
        return _nothing_staged(options, store)
    before = {day: store.manifest(day) for day in days}
    try:
        published = _publish(options, staging, store=store, place=place, stop=stop, clock=clock, emit=emit)
    except (BadInput, GuardRefused, LocalDisk, Locked):
        # Somebody may have been faster, and have removed what we were reading, or some of it before being killed.
        for day in days:
            manifest = store.manifest(day)
            if manifest is not None and manifest.run_id == options.run_id:
                if manifest != before[day]:
                    return Published(manifest, already=True)
                if _is_left_over(staging, manifest):
                    published = Published(manifest, already=True)
                    break
        else:
            raise
    if not options.keeps_staging:
        staging.remove()
    return published


def _publish(
    options: PublishOptions,
    staging: Staging,
    *,
    store: SnapshotStore,
    place: Workspace,
    stop: StopSwitch,
    clock: Clock,
    emit: Observer,
) -> Published:
    shards = require_all_shards(staging)
    file_stem = _file_stem(options.run_id, shards)
    standing = store.current(shards[0].snapshot_date)
    present = None if standing is None else standing.manifest
    if present is not None and _is_of(present, file_stem):
        return Published(present, already=True)
    _refuse_to_replace(present, options, store)
    with_failures = [str(shard.shard) for shard in shards if shard.users.failed]
    refuse_if_too_many_failed(
        sum_user_counts(shards),
        options.max_failed_users,
        on_incomplete=options.on_incomplete,
        to_try_again=f"Run shard {', '.join(with_failures)} again with --restart",
    )
    findings = merge_shards(shards, store=store, folder=place.parts)
    record, now, first = merge_run_records(shards), clock.now(), shards[0]
    publication = Publication(
        run_id=options.run_id,
        file_stem=file_stem,
        snapshot_date=first.snapshot_date,
        started_at=min(shard.started_at for shard in shards),
        starts=1 + sum(len(shard.record.spans) - 1 for shard in shards),
        paused_seconds=idle_seconds([*record.spans, Span(now, now)]),
        account_sid=first.account_sid,
        base_url=first.base_url,
        roster=first.roster,
        blanked_columns=first.blanked_columns,
        requests=record.requests,
        timeline=record.timeline,
        file_bytes=options.file_bytes,
        tool_version=options.tool_version,
        replaces=standing,
    )
    manifest = publish(publication, findings, store=store, place=place, stop=stop, clock=clock, emit=emit)
    return Published(manifest, already=False)


def published_before(store: SnapshotStore, run_id: str) -> Manifest | None:
    """The snapshot that a run has published, as far as it is among the newest ones."""
    for day in store.dates()[: -_NEWEST - 1 : -1]:
        manifest = store.manifest(day)
        if manifest is not None and manifest.run_id == run_id:
            return manifest
    return None


def _is_left_over(staging: Staging, manifest: Manifest) -> bool:
    """Whether all that is staged was there when the snapshot was published: what is missing was removed after that."""
    changed_at = staging.store.last_modified(staging.folder)
    return changed_at is None or changed_at <= manifest.ended_at


def _nothing_staged(options: PublishOptions, store: SnapshotStore) -> Published:
    manifest = published_before(store, options.run_id)
    if manifest is not None:
        return Published(manifest, already=True)
    raise BadInput(
        f"{store.root}: no shard of a run {options.run_id} is there, and it was not published lately",
        hint=f"Export its shards first: readstate export --out {store.root} --run {options.run_id} --shard 1/4",
    )


def _refuse_to_replace(manifest: Manifest | None, options: PublishOptions, store: SnapshotStore) -> None:
    if manifest is not None and not options.replaces:
        raise GuardRefused(
            f"{store.root}: run {manifest.run_id} has published a snapshot of {manifest.snapshot_date} already",
            hint="--again replaces it.",
        )


def _file_stem(run_id: str, shards: Sequence[ShardManifest]) -> str:
    """What the files are called: the same shards always give the same names, other tries of them other names."""
    return f"{run_id}-{sha256(b''.join(map(msgspec.json.encode, shards))).hexdigest()[:8]}"


def _is_of(manifest: Manifest, file_stem: str) -> bool:
    return any(file.path.rsplit("/", 1)[-1].startswith(f"{file_stem}-") for file in manifest.files)
