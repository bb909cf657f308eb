"""``readstate snapshots``: list, verify and prune what was published, and what was staged and never published."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from readstate.errors import BadInput, ConsentMissing, ExitCode, Usage
from readstate_jobs.cli.options import json_option


@click.command()
@click.argument("root")
@click.option("--verify", is_flag=True, help="Read every file again and compare rows, bytes and hashes.")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Remove all but the newest N.")
@click.option("--keep-days", type=click.IntRange(min=1), metavar="D", help="Remove those older than D days.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
def command(*, root: str, verify: bool, keep: int | None, keep_days: int | None, yes: bool, as_json: bool) -> int:
    """List the snapshots below ROOT; verify or prune them.

    Exit code 3: --verify found a defect.
    """
    from readstate.snapshot.published.retention import KeepDays, KeepNewest
    from readstate.snapshot.published.snapshot_store import open_store

    if keep is not None and keep_days is not None:
        raise Usage("--keep and --keep-days are two rules; give one of them")
    store = open_store(root)
    if keep is not None:
        return _prune(store, KeepNewest(keep), yes=yes, as_json=as_json)
    if keep_days is not None:
        return _prune(store, KeepDays(keep_days), yes=yes, as_json=as_json)
    return _list(store, verify=verify, as_json=as_json)


def _list(store: Any, *, verify: bool, as_json: bool) -> int:
    from readstate.snapshot.published.retention import ORPHAN_AFTER
    from readstate.snapshot.published.snapshot import defects
    from readstate.snapshot.shards.listing import staged_runs
    from readstate.text import format_size, group_digits, pluralize
    from readstate_jobs.cli.terminal import print_json, print_table
    from readstate_jobs.snapshots.staged_report import staged_document, staged_line

    if verify and not store.dates():
        raise BadInput(f"{store.root}: no published snapshot to verify", hint="Is this the right ROOT?")
    manifests = [manifest for day in store.dates() if (manifest := store.manifest(day)) is not None]
    found = {manifest.snapshot_date: list(defects(store, manifest)) if verify else [] for manifest in manifests}
    now = datetime.now(UTC)
    staged = staged_runs(store, now=now)
    orphans = store.orphans(before=now - ORPHAN_AFTER) if verify else []
    if as_json:
        print_json(
            {
                "root": store.root,
                "snapshots": [
                    {
                        "snapshot_date": manifest.snapshot_date.isoformat(),
                        "run_id": manifest.run_id,
                        "complete": manifest.complete,
                        "users": manifest.users.read,
                        "rows": manifest.rows,
                        "bytes": sum(file.bytes for file in manifest.files),
                        **({"defects": found[manifest.snapshot_date]} if verify else {}),
                    }
                    for manifest in manifests
                ],
                "staged": [staged_document(run) for run in staged],
                **({"strays": [file.path for file in orphans]} if verify else {}),
            }
        )
        return ExitCode.SOME_FAILED if any(found.values()) else ExitCode.DONE
    if not manifests:
        click.echo(f"{store.root}: no published snapshot. Publish one: readstate export --out {store.root}")
    else:
        header = ["date", "users", "conversations", "failed", "size", "complete", *(["verified"] if verify else [])]
        rows = [
            [
                str(manifest.snapshot_date),
                group_digits(manifest.users.read),
                group_digits(manifest.rows),
                group_digits(manifest.users.failed),
                format_size(sum(file.bytes for file in manifest.files)),
                "yes" if manifest.complete else "NO",
                *(["NO" if found[manifest.snapshot_date] else "yes"] if verify else []),
            ]
            for manifest in manifests
        ]
        print_table(rows, header=header)
        for day, problems in found.items():
            for problem in problems:
                click.echo(f"{day}: {problem}")
    for run in staged:
        click.echo(staged_line(run, store.root))
    if orphans:
        click.echo(
            f"{pluralize(len(orphans), 'file')} ({format_size(sum(file.bytes for file in orphans))}) that no snapshot"
            f" names, left by runs that died, go when snapshots do: readstate snapshots {store.root} --keep-days 30"
        )
    return ExitCode.SOME_FAILED if any(found.values()) else ExitCode.DONE


def _prune(store: Any, rule: Any, *, yes: bool, as_json: bool) -> int:
    import sys

    from readstate.snapshot.published.delta_tables import sync_if_present
    from readstate.snapshot.published.retention import ORPHAN_AFTER, expired
    from readstate.snapshot.shards.listing import staged_runs
    from readstate.snapshot.shards.staging import Staging
    from readstate_jobs.cli.terminal import print_json

    now = datetime.now(UTC)
    days = expired(store.dates(), rule, today=now.date())
    abandoned = [run.run_id for run in staged_runs(store, now=now) if run.is_abandoned]
    orphans = store.orphans(before=now - ORPHAN_AFTER)
    what = _in_words(days, abandoned, orphans)
    if what and not as_json:
        click.echo(
            f"{store.root}: to be removed: {', '.join([*map(str, days), *abandoned, *(file.path for file in orphans)])}"
        )
    if what and not yes:
        if not sys.stdin.isatty():
            raise ConsentMissing(f"{what} would be removed", hint="Add --yes to remove.")
        click.confirm(f"Remove {what} for good?", abort=True, err=True)
    if days:
        sync_if_present(store, leaving_out=days)
    for day in days:
        manifest = store.manifest(day)
        if manifest is not None:
            store.remove(manifest)
    # Since it was asked, a run may have gone on with what it had staged, or written.
    abandoned = [run.run_id for run in staged_runs(store, now=now) if run.is_abandoned and run.run_id in abandoned]
    for run_id in abandoned:
        Staging(store, run_id).remove()
    orphans = store.remove_orphans(orphans, before=now - ORPHAN_AFTER)
    what = _in_words(days, abandoned, orphans)
    if as_json:
        print_json(
            {
                "root": store.root,
                "removed": [str(day) for day in days],
                "removed_staged": abandoned,
                "removed_strays": [file.path for file in orphans],
            }
        )
    else:
        click.echo(f"Removed {what}." if what else f"{store.root}: nothing to remove.")
    return ExitCode.DONE


def _in_words(days: Sequence[Any], abandoned: Sequence[str], orphans: Sequence[Any]) -> str:
    from readstate.text import pluralize

    return " and ".join(
        [
            *([pluralize(len(days), "snapshot")] if days else []),
            *([f"what {pluralize(len(abandoned), 'run')} staged and abandoned"] if abandoned else []),
            *([f"{pluralize(len(orphans), 'file')} that no snapshot names"] if orphans else []),
        ]
    )
