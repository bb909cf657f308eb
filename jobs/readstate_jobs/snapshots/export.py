"""``readstate export``: export who has read what as a Parquet snapshot."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from readstate.errors import BadInput, ExitCode, Usage
from readstate.snapshot.export.options import FEW_MISSING
from readstate.snapshot.published.schema import PII_COLUMNS, USER_CONVERSATIONS
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import ALL_SERVICES, RosterEntry, RosterSelection
from readstate.snapshot.roster.shard import ALL_USERS, parse_shard
from readstate.snapshot.workspace.workspace import remove_leftovers, unfinished_exports
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import (
    settings_from,
)
from readstate_jobs.output.messages import command_line
from readstate_jobs.snapshots.export_job import ExportJob, delta_tables_for, export_options
from readstate_jobs.snapshots.export_output import Changes, show_estimate, show_export
from readstate_jobs.snapshots.export_shard import export_one_shard, require_shard_options
from readstate_jobs.snapshots.resume_command import resume_hint, resume_line


def carry_out(**options: Any) -> int:
    """Carry out ``readstate export`` and return its exit code."""
    as_json: bool = options.pop("as_json")
    root: str = options["root"]
    require_shard_options(options)
    _require_no_future_date(options["day"])
    effective = settings_from(options)
    settings = effective.settings
    store = open_store(root)
    selection, blanked = _selection(options), _blanked(options)
    remove_leftovers(Path(settings.work_dir), root=store.root, published=store.published_run)
    if options["shard"] is not None:
        return export_one_shard(
            options, effective, store=store, selection=selection, blanked_columns=blanked, as_json=as_json
        )
    day = options["day"] or datetime.now(UTC).date()
    for other in unfinished_exports(Path(settings.work_dir), root=store.root):
        if other != day:
            command_line().print_message(f"The export of {other} is unfinished. To resume it:  {resume_line(other)}")
    tables = delta_tables_for(wanted=options["delta"])
    standing = store.current(day)
    if standing is not None and not options["again"] and not options["dry_run"]:
        tables(store)
        # Again, where they are wanted: the start that has published may have been killed before it had them.
        changes = _changes(options, root, day)
        show_export(standing.manifest, root=root, changes=changes, already_published=True, as_json=as_json)
        return ExitCode.DONE
    wanted = export_options(
        settings,
        day,
        selection,
        blanked_columns=blanked,
        grace_seconds=options["grace"],
        replaces=standing,
        allow_missing=options["allow_missing"] or FEW_MISSING,
    )
    job = ExportJob(settings, credentials_of(effective), store, wanted, tables)
    if options["dry_run"]:
        show_estimate(job.estimate(), as_json=as_json)
        return ExitCode.DONE
    with resume_hint(day):
        manifest = job.export(deadline=options["deadline"], restart=options["restart"])
    changes = _changes(options, root, day)
    show_export(manifest, root=root, changes=changes, already_published=False, as_json=as_json)
    return ExitCode.DONE if manifest.complete else ExitCode.SOME_FAILED


def _require_no_future_date(day: date | None) -> None:
    """Raise `BadInput` for a date in the future: that snapshot would count as the newest until *day* has passed."""
    today = datetime.now(UTC).date()
    # In time zones up to UTC+14 it is tomorrow already.
    if day is not None and day > today + timedelta(days=1):
        raise BadInput(
            f"--date {day} is in the future; today, in UTC, is {today}",
            hint=f"Leave --date out, or correct it:  --date {today}",
        )


def _changes(options: dict[str, Any], root: str, day: date) -> Changes | None:
    if options["compare_with"] is None:
        return None
    from readstate_jobs.snapshots.compare import publish_changes  # noqa: PLC0415 - few exports want it

    return publish_changes(root, day)


def _selection(options: dict[str, Any]) -> RosterSelection:
    services = tuple(options["services"]) or (ALL_SERVICES,)
    share = ALL_USERS if options["shard"] is None else parse_shard(options["shard"])
    entries = None if options["users_file"] is None else _entries(options["users_file"])
    return RosterSelection(services, entries, options["limit_users"], share)


def _entries(file: str) -> tuple[RosterEntry, ...]:
    from readstate.snapshot.roster.users_file import read_users_file  # noqa: PLC0415 - most exports read all users

    return read_users_file(file, warn=command_line().print_message)


def _blanked(options: dict[str, Any]) -> tuple[str, ...]:
    if options["drop_pii"] and options["columns"]:
        raise Usage("--columns and --drop-pii exclude each other; use one of them")
    if options["drop_pii"]:
        return tuple(sorted(PII_COLUMNS))
    if options["columns"] is None:
        return ()
    kept = [name.strip() for name in options["columns"].split(",") if name.strip()]
    unknown = [name for name in kept if name not in USER_CONVERSATIONS.names]
    if unknown:
        raise BadInput(
            f"--columns: there is no column {', '.join(unknown)}",
            hint=f"There are: {', '.join(USER_CONVERSATIONS.names)}.",
        )
    always = {"chat_service_sid", "user_sid", "conversation_sid", "snapshot_at", *kept}
    return tuple(name for name in USER_CONVERSATIONS.names if name not in always)
