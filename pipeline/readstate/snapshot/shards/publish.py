"""Publishes the staged shards of a run as one snapshot. Idempotent: a second publisher finds the snapshot published."""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

from readstate.clock import Clock
from readstate.errors import BadInput, GuardRefused, LocalDisk, Locked
from readstate.events import Observer
from readstate.model.quantities import Allowance
from readstate.snapshot.export.options import FEW_MISSING
from readstate.snapshot.export.publish import Publisher
from readstate.snapshot.export.result import require_few_failures
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.shards.agreement import require_all_shards
from readstate.snapshot.shards.assemble import merge_drafts, merge_rows
from readstate.snapshot.shards.staging import ShardManifest, Staging
from readstate.snapshot.workspace.workspace import Workspace
from readstate.stop import StopSwitch

_NEWEST = 10
"""Snapshots in which `published_before` looks for a run: reading every manifest of a year would take too long."""


class PublishOptions(Struct, frozen=True):
    """How the shards of a run are to be published."""

    run_id: str
    max_failed_users: Allowance
    on_incomplete: Literal["publish", "refuse"]
    file_bytes: int
    tool_version: str
    replaces: bool = False
    """Whether the snapshot of another run with the same date may be replaced."""
    keeps_staging: bool = False
    allow_missing: Allowance = FEW_MISSING


class Published(Struct, frozen=True):
    """A published snapshot."""

    manifest: Manifest
    already: bool
    """Whether another call had published it."""


def publish_run(
    options: PublishOptions,
    *,
    store: SnapshotStore,
    workspace: Workspace,
    stop: StopSwitch,
    clock: Clock,
    emit: Observer,
) -> Published:
    """Merge and publish the staged shards of a run, as one export would have; then remove the staged files.

    Raise `GuardRefused` where a shard is missing, too many users failed, or another run has published this date;
    `BadInput` where the shards were run with different options, `LocalDisk`, and `Stopped`.
    """
    staging = Staging(store, options.run_id)
    days = {registration.snapshot_date for registration in staging.registered().values()}
    if not days:
        return _nothing_staged(options, staging)
    before = {day: store.manifest(day) for day in days}
    try:
        published = _publish(options, staging, store=store, workspace=workspace, stop=stop, clock=clock, emit=emit)
    except (BadInput, GuardRefused, LocalDisk, Locked):
        # Another publisher of this run may have removed the files that this one was reading: it was faster, or it was
        # killed after it had published and removed some of them. Then its snapshot is the answer, not this error.
        manifest = _published_by_another(staging, before)
        if manifest is None:
            raise
        published = Published(manifest, already=True)
        if not _is_left_over(staging, manifest):
            return published
    # Only after the commit: until then a rerun needs the staged files.
    if not options.keeps_staging:
        staging.remove()
    return published


def _publish(
    options: PublishOptions,
    staging: Staging,
    *,
    store: SnapshotStore,
    workspace: Workspace,
    stop: StopSwitch,
    clock: Clock,
    emit: Observer,
) -> Published:
    shards = require_all_shards(staging)
    file_stem = _file_stem(options.run_id, shards)
    current = store.current(shards[0].draft.snapshot_date)
    if current is not None and _is_of(current.manifest, file_stem):
        return Published(current.manifest, already=True)
    if current is not None and not options.replaces:
        raise GuardRefused(
            f"{store.root}: run {current.manifest.run_id} has published a snapshot of {current.manifest.snapshot_date}"
            " already",
            hint="--again replaces it.",
        )
    draft = merge_drafts(
        shards, tool_version=options.tool_version, now=clock.now(), allow_missing=options.allow_missing
    )
    with_failures = [str(shard.shard) for shard in shards if shard.draft.users.failed]
    require_few_failures(
        draft.users,
        options.max_failed_users,
        allow_missing=options.allow_missing,
        on_incomplete=options.on_incomplete,
        to_try_again=f"Run shard {', '.join(with_failures)} again with --restart",
    )
    publisher = Publisher(
        store=store,
        workspace=workspace,
        file_stem=file_stem,
        file_bytes=options.file_bytes,
        replaces=current,
        stop=stop,
        clock=clock,
        emit=emit,
    )
    manifest = publisher.publish(draft, merge_rows(shards, store=store, folder=workspace.parts))
    return Published(manifest, already=False)


def published_before(store: SnapshotStore, run_id: str) -> Manifest | None:
    """Return the snapshot that a run has published, if it is one of the newest; None otherwise."""
    for day in store.dates()[: -_NEWEST - 1 : -1]:
        manifest = store.manifest(day)
        if manifest is not None and manifest.run_id == run_id:
            return manifest
    return None


def _published_by_another(staging: Staging, before: Mapping[date, Manifest | None]) -> Manifest | None:
    """Return the run's snapshot where it was published since *before*, or where the staged files are remains of it."""
    for day, earlier in before.items():
        manifest = staging.store.manifest(day)
        if manifest is None or manifest.run_id != staging.run_id:
            continue
        if manifest != earlier or _is_left_over(staging, manifest):
            return manifest
    return None


def _is_left_over(staging: Staging, manifest: Manifest) -> bool:
    """Return whether nothing was staged since *manifest* was published: then its publisher removed what is missing."""
    changed_at = staging.store.last_modified(staging.folder)
    return changed_at is None or changed_at <= manifest.ended_at


def _nothing_staged(options: PublishOptions, staging: Staging) -> Published:
    store = staging.store
    manifest = published_before(store, options.run_id)
    if manifest is not None:
        # What a publisher has left that was killed while it removed the staged files.
        if not options.keeps_staging and _is_left_over(staging, manifest):
            staging.remove()
        return Published(manifest, already=True)
    raise BadInput(
        f"{store.root}: no shard of run {options.run_id} is staged, and it was not published lately",
        hint=f"Export its shards first: readstate export --out {store.root} --run {options.run_id} --shard 1/4",
    )


def _file_stem(run_id: str, shards: Sequence[ShardManifest]) -> str:
    """Return the prefix of file names: a hash of the shards, so that other attempts at them get other names."""
    return f"{run_id}-{sha256(b''.join(map(msgspec.json.encode, shards))).hexdigest()[:8]}"


def _is_of(manifest: Manifest, file_stem: str) -> bool:
    return any(file.path.rsplit("/", 1)[-1].startswith(f"{file_stem}-") for file in manifest.files)
