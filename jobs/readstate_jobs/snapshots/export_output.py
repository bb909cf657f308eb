"""What ``readstate export`` prints on stdout."""

from typing import TYPE_CHECKING, Any

import click
import msgspec

from readstate.observers.text import counted, grouped
from readstate.snapshot.published.manifest import Manifest
from readstate.snapshot.published.snapshot_store import manifest_path, partition
from readstate.snapshot.shards.staging import ShardManifest
from readstate_jobs.cli.terminal import duration, print_json, print_table, size
from readstate_jobs.snapshots.compare import comparison_document, show_comparison
from readstate_jobs.snapshots.export_job import Estimate

if TYPE_CHECKING:
    from readstate.snapshot.compare.compare import Comparison

_LIKELY_IN_FLIGHT = (10, 100)
"""What accounts have been seen to allow; Twilio publishes no number."""


def show_manifest(manifest: Manifest, *, root: str, changes: "Comparison | None", as_json: bool) -> None:
    """Show what an export has published, and the *changes* since the snapshot before where they were asked for."""
    feed = f"{root}/{partition('changes', manifest.snapshot_date)}"
    if as_json:
        document = _document(manifest, root, already_published=False)
        print_json(document | ({"changes": comparison_document(changes, root, feed)} if changes else {}))
        return
    seconds = (manifest.ended_at - manifest.started_at).total_seconds() - manifest.paused_seconds
    users = manifest.users
    rows = [
        ("users read", grouped(users.read)),
        ("users vanished", grouped(users.vanished)),
        ("users failed", grouped(users.failed)),
        ("conversations", grouped(manifest.rows)),
        ("dropped as duplicates", grouped(manifest.duplicates_dropped)),
        ("requests", grouped(manifest.requests.requests)),
        ("retried", grouped(manifest.requests.retries)),
        ("throttled (429)", grouped(manifest.requests.throttled)),
        ("size", size(sum(file.bytes for file in manifest.files))),
        ("time", duration(seconds) + (f" in {manifest.starts} starts" if manifest.starts > 1 else "")),
        ("complete", "yes" if manifest.complete else "NO"),
    ]
    print_table(rows, title=f"Snapshot of {manifest.snapshot_date}")
    if manifest.unknown_fields:
        click.echo(f"Fields without a column: {', '.join(sorted(manifest.unknown_fields))} (a newer API?)")
    if not manifest.complete:
        click.echo(f"{counted(users.failed, 'user')} could not be read; {root}/failures says why.")
    click.echo(f"Published {root}/{manifest_path(manifest.snapshot_date)}")
    if changes is not None:
        show_comparison(changes, feed)


def show_published(manifest: Manifest, *, root: str, as_json: bool) -> None:
    """Say that there is nothing to do."""
    if as_json:
        print_json(_document(manifest, root, already_published=True))
        return
    click.echo(
        f"{root}: the snapshot of {manifest.snapshot_date} is published already:"
        f" {counted(manifest.users.read, 'user')}, {counted(manifest.rows, 'conversation')},"
        f" {'complete' if manifest.complete else 'INCOMPLETE'}. Nothing done; --again replaces it."
    )


def show_staged(manifest: ShardManifest, *, root: str, already: bool, as_json: bool) -> None:
    """Show what one shard has staged, and what comes next."""
    size_of_all, requests = sum(file.bytes for file in manifest.files), manifest.record.requests
    if as_json:
        print_json(
            {
                "root": root,
                "run_id": manifest.run_id,
                "shard": str(manifest.shard),
                "snapshot_date": manifest.snapshot_date.isoformat(),
                "already_staged": already,
                "already_published": False,
                "users": msgspec.to_builtins(manifest.users),
                "rows": manifest.rows,
                "requests": msgspec.to_builtins(requests),
                "bytes": size_of_all,
            }
        )
        return
    if not already:
        rows = [
            ("users read", grouped(manifest.users.read)),
            ("users vanished", grouped(manifest.users.vanished)),
            ("users failed", grouped(manifest.users.failed)),
            ("conversations", grouped(manifest.rows)),
            ("requests", grouped(requests.requests)),
            ("throttled (429)", grouped(requests.throttled)),
            ("size", size(size_of_all)),
        ]
        print_table(rows, title=f"Shard {manifest.shard} of run {manifest.run_id}")
    click.echo(
        f"Shard {manifest.shard} is staged{' already; nothing done' if already else ''}."
        f" When all {manifest.shard.count} are: readstate publish {root} --run {manifest.run_id}"
    )


def show_estimate(estimate: Estimate, *, as_json: bool) -> None:
    """Show what an export would take."""
    times = {
        str(parallel): estimate.requests * estimate.seconds_per_request / parallel for parallel in _LIKELY_IN_FLIGHT
    }
    if as_json:
        print_json(
            {
                "users": estimate.users,
                "requests": estimate.requests,
                "seconds_per_request": estimate.seconds_per_request,
                "seconds_by_requests_in_flight": times,
            }
        )
        return
    rows = [
        ("users", grouped(estimate.users)),
        ("requests", f"about {grouped(estimate.requests)}"),
        ("a request takes", f"{estimate.seconds_per_request * 1000:.0f} ms"),
        *((f"time at {parallel} in flight", f"about {duration(seconds)}") for parallel, seconds in times.items()),
    ]
    print_table(rows, title="Dry run: only the roster was read")


def _document(manifest: Manifest, root: str, *, already_published: bool) -> dict[str, Any]:
    return {
        "root": root,
        "already_published": already_published,
        "manifest_path": manifest_path(manifest.snapshot_date),
        "manifest": msgspec.to_builtins(manifest),
    }
