"""``readstate export --shard I/N --run ID``: one share of the users, staged for ``readstate publish``."""

from datetime import UTC, date, datetime
from typing import Any

from readstate.errors import BadInput, ExitCode, Usage
from readstate.settings.settings import EffectiveSettings
from readstate.snapshot.export.options import option_differences
from readstate.snapshot.published.snapshot_store import SnapshotStore
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.roster.shard import parse_run_id
from readstate.snapshot.shards.publish import published_before
from readstate.snapshot.shards.staging import Staging
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.snapshots.export_job import ExportJob, export_options
from readstate_jobs.snapshots.export_output import show_estimate, show_export, show_staged
from readstate_jobs.snapshots.resume_command import resume_argv, resume_hint

_NOT_FOR_SHARDS = {
    "limit_users": "--limit-users is for a trial run, which needs no shards",
    "compare_with": "--compare-with needs the whole snapshot; when it is published: readstate compare ROOT",
    "max_failed_users": "--max-failed-users applies to all shards together: use it with readstate publish",
    "allow_missing": "--allow-missing applies to all shards together: use it with readstate publish",
    "delta": "--delta applies to the whole snapshot: use it with readstate publish",
    "on_incomplete": "--on-incomplete applies to all shards together: use it with readstate publish",
}


def require_shard_options(options: dict[str, Any]) -> None:
    """Raise `Usage` for options that cannot be used together with ``--shard``, or without it."""
    if (options["shard"] is None) != (options["run_id"] is None):
        raise Usage("--shard and --run belong together: --shard 1/4 --run ID")
    if options["shard"] is not None:
        for name, reason in _NOT_FOR_SHARDS.items():
            if options[name]:
                raise Usage(reason)


def export_one_shard(
    options: dict[str, Any],
    effective: EffectiveSettings,
    *,
    store: SnapshotStore,
    selection: RosterSelection,
    blanked_columns: tuple[str, ...],
    as_json: bool,
) -> int:
    """Export one shard and return the exit code."""
    settings = effective.settings
    root, run_id = options["root"], parse_run_id(options["run_id"])
    shard = selection.share
    staging = Staging(store, run_id)
    day = options["day"] or _day_of(staging) or datetime.now(UTC).date()
    wanted = export_options(
        settings, day, selection, blanked_columns=blanked_columns, grace_seconds=options["grace"], run_id=run_id
    )
    job = ExportJob(settings, credentials_of(effective), store, wanted)
    if options["dry_run"]:
        show_estimate(job.estimate(), as_json=as_json)
        return ExitCode.DONE
    staged = None if options["restart"] else staging.manifest(shard)
    if staged is not None:
        if different := option_differences(staged.options, wanted.fingerprint()):
            raise BadInput(
                f"shard {shard} of run {run_id} was staged with other options ({', '.join(different)})",
                hint="Repeat its options, or add --restart to read it again.",
            )
        job.discard_shard()
        show_staged(staged, root=root, already=True, as_json=as_json)
        return ExitCode.DONE
    published = store.manifest(day) or published_before(store, run_id)
    if published is not None and not options["again"]:
        show_export(published, root=root, changes=None, already_published=True, as_json=as_json)
        return ExitCode.DONE
    with resume_hint(day):
        manifest = job.export_shard(
            command=resume_argv(day, without="--shard"), deadline=options["deadline"], restart=options["restart"]
        )
    show_staged(manifest, root=root, already=False, as_json=as_json)
    return ExitCode.DONE


def _day_of(staging: Staging) -> date | None:
    """Return the date that the run was begun with: midnight may have passed since then."""
    return next((note.snapshot_date for note in staging.registered().values()), None)
