"""``readstate snapshots``: list, verify and prune published snapshots and abandoned staging."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import msgspec

from readstate.errors import BadInput, ExitCode, Usage
from readstate.snapshot.published.delta_tables import sync_if_present
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.retention import ORPHAN_AFTER, KeepDays, KeepNewest, expired
from readstate.snapshot.published.snapshot import defects
from readstate.snapshot.published.snapshot_store import SnapshotStore, open_store
from readstate.snapshot.shards.listing import StagedRun, staged_runs
from readstate.snapshot.shards.staging import Staging
from readstate.text import format_size, group_digits, pluralize
from readstate_jobs.output.messages import require_confirmation
from readstate_jobs.output.terminal import Document, emit, print_line, print_table


class ListedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One published snapshot."""

    snapshot_date: date
    run_id: str
    complete: bool
    users: int
    conversations: int | None
    rows: int
    bytes: int
    defects: list[str] | msgspec.UnsetType = msgspec.UNSET


class Snapshots(Document, tag="snapshots/1"):
    """Of ``snapshots``."""

    root: str
    snapshots: list[ListedSnapshot]
    staged: list[StagedRun]
    strays: list[str] | msgspec.UnsetType = msgspec.UNSET


class Pruned(Document, tag="pruned/1"):
    """Of ``snapshots --keep`` and ``--keep-days``."""

    root: str
    removed: list[date]
    removed_staged: list[str]
    removed_strays: list[str]


def carry_out(*, root: str, verify: bool, keep: int | None, keep_days: int | None, yes: bool, as_json: bool) -> int:
    """Carry out ``readstate snapshots`` and return its exit code."""
    if keep is not None and keep_days is not None:
        raise Usage("--keep and --keep-days exclude each other; use one of them")
    store = open_store(root)
    if keep is not None:
        return _prune(store, KeepNewest(keep), yes=yes, as_json=as_json)
    if keep_days is not None:
        return _prune(store, KeepDays(keep_days), yes=yes, as_json=as_json)
    return _list(store, verify=verify, as_json=as_json)


def _list(store: SnapshotStore, *, verify: bool, as_json: bool) -> int:
    if verify and not store.dates():
        raise BadInput(f"{store.root}: no published snapshot to verify", hint="Is this the right ROOT?")
    manifests = [manifest for day in store.dates() if (manifest := store.manifest(day)) is not None]
    found = {manifest.snapshot_date: list(defects(store, manifest)) for manifest in manifests} if verify else None
    now = datetime.now(UTC)
    staged = staged_runs(store, now=now)
    orphans = store.orphans(before=now - ORPHAN_AFTER) if verify else []
    document = Snapshots(
        root=store.root,
        snapshots=[_snapshot_document(manifest, found) for manifest in manifests],
        staged=staged,
        strays=[file.path for file in orphans] if verify else msgspec.UNSET,
    )

    def show() -> None:
        if manifests:
            _show_snapshots(manifests, found)
        else:
            print_line(f"{store.root}: no published snapshot. Publish one: readstate export --out {store.root}")
        for run in staged:
            print_line(_staged_line(run, store.root))
        if orphans:
            print_line(
                f"{pluralize(len(orphans), 'orphaned file')} ({format_size(sum(file.bytes for file in orphans))}), left"
                f" by killed runs; pruning removes them: readstate snapshots {store.root} --keep-days 30"
            )

    emit(document, show, as_json=as_json)
    return ExitCode.SOME_FAILED if found and any(found.values()) else ExitCode.DONE


def _snapshot_document(manifest: Manifest, found: dict[date, list[str]] | None) -> ListedSnapshot:
    return ListedSnapshot(
        snapshot_date=manifest.snapshot_date,
        run_id=manifest.run_id,
        complete=manifest.complete,
        users=manifest.users.read,
        conversations=manifest.conversations,
        rows=manifest.rows,
        bytes=manifest.bytes,
        defects=msgspec.UNSET if found is None else found[manifest.snapshot_date],
    )


def _show_snapshots(manifests: Sequence[Manifest], found: dict[date, list[str]] | None) -> None:
    header = [
        "date",
        "users",
        "conversations",
        "memberships",
        "failed",
        "size",
        "complete",
        *(["verified"] if found else []),
    ]
    rows = [
        [
            str(manifest.snapshot_date),
            group_digits(manifest.users.read),
            "-" if manifest.conversations is None else group_digits(manifest.conversations),
            group_digits(manifest.rows),
            group_digits(manifest.users.failed),
            format_size(manifest.bytes),
            "yes" if manifest.complete else "NO",
            *(["NO" if found[manifest.snapshot_date] else "yes"] if found else []),
        ]
        for manifest in manifests
    ]
    print_table(rows, header=header, alarms={"NO"})
    for day, problems in (found or {}).items():
        for problem in problems:
            print_line(f"{day}: {problem}")


def _staged_line(run: StagedRun, root: str) -> str:
    if run.abandoned:
        next_step = f"abandoned; pruning removes it: readstate snapshots {root} --keep-days 30"
    else:
        next_step = f"to publish it, or to see what is missing: readstate publish {root} --run {run.run_id}"
    return (
        f"Run {run.run_id} is staged, not published: {run.shards_finished} of {run.shards} shards finished,"
        f" last written {run.changed_at:%Y-%m-%d %H:%M}; {next_step}"
    )


def _prune(store: SnapshotStore, rule: KeepNewest | KeepDays, *, yes: bool, as_json: bool) -> int:
    now = datetime.now(UTC)
    days = expired(store.dates(), rule, today=now.date())
    abandoned = [run.run_id for run in staged_runs(store, now=now) if run.abandoned]
    orphans = store.orphans(before=now - ORPHAN_AFTER)
    what = _describe(days, abandoned, orphans)
    if what and not as_json:
        names = [*map(str, days), *abandoned, *(file.path for file in orphans)]
        print_line(f"{store.root}: to be removed: {', '.join(names)}")
    if what and not yes:
        require_confirmation(what, verb="Remove", done="removed")
    if days:
        sync_if_present(store, leaving_out=days)
    for day in days:
        manifest = store.manifest(day)
        if manifest is not None:
            store.remove(manifest)
    # While the prompt was open, a run may have resumed or written files: look again before removing.
    abandoned = [run.run_id for run in staged_runs(store, now=now) if run.abandoned and run.run_id in abandoned]
    for run_id in abandoned:
        Staging(store, run_id).remove()
    orphans = store.remove_orphans(orphans, before=now - ORPHAN_AFTER)
    what = _describe(days, abandoned, orphans)
    document = Pruned(
        root=store.root, removed=days, removed_staged=abandoned, removed_strays=[file.path for file in orphans]
    )
    result = f"Removed {what}." if what else f"{store.root}: nothing to remove."
    emit(document, lambda: print_line(result), as_json=as_json)
    return ExitCode.DONE


def _describe(days: Sequence[date], abandoned: Sequence[str], orphans: Sequence[object]) -> str:
    return " and ".join(
        [
            *([pluralize(len(days), "snapshot")] if days else []),
            *([f"the staged files of {pluralize(len(abandoned), 'abandoned run')}"] if abandoned else []),
            *([pluralize(len(orphans), "orphaned file")] if orphans else []),
        ]
    )
