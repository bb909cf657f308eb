"""``readstate export``: read who has read what, and publish it as a Parquet snapshot."""

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import click

from jobs.options import connection_options, json_option, parse_day, settings_from
from pipeline.errors import BadInput, ExitCode, ReadstateError, Usage

_RESUMABLE = {
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.STOPPED_EARLY,
    ExitCode.NOT_PERMITTED,
    ExitCode.LOCAL_DISK,
}


@click.command()
@click.option("--out", "root", required=True, metavar="ROOT", help="Where snapshots are published: a folder or a URI.")
@click.option("--service", "services", multiple=True, metavar="all|default|IS…", help="Which services. [default: all]")
@click.option("--users", "users_file", metavar="FILE", help="Only these users: .csv, .txt, .parquet, or - for stdin.")
@click.option("--date", "day", type=parse_day, metavar="YYYY-MM-DD", help="The snapshot's date. [default: today, UTC]")
@click.option("--deadline", metavar="TIME", help="Stop cleanly after this long, such as 5h; the rest can be resumed.")
@click.option("--max-failed-users", metavar="N|P%", help="How many users may fail. [default: 0.1%]")
@click.option("--on-incomplete", type=click.Choice(["publish", "refuse"]), help="What to do when more failed.")
@click.option("--columns", metavar="A,B,…", help="Fill only these columns; the others stay, empty.")
@click.option("--drop-pii", is_flag=True, help="Leave the columns empty that hold personal data.")
@click.option("--limit-users", type=click.IntRange(min=1), metavar="N", help="Read at most N users, for a trial.")
@click.option("--dry-run", is_flag=True, help="Read the roster only; say what an export would take.")
@click.option("--again", is_flag=True, help="Replace a snapshot that is already published.")
@click.option("--restart", is_flag=True, help="Forget an unfinished export of this date, and begin anew.")
@json_option
@connection_options
def command(**options: Any) -> int:
    """Read who has read what, and publish it as a Parquet snapshot.

    An export that was stopped or killed goes on where it was when the same command is run again.
    """
    from jobs.export_job import ExportJob
    from jobs.export_report import show_estimate, show_manifest, show_published
    from pipeline.model.quantities import parse_duration
    from pipeline.settings import load_credentials
    from pipeline.snapshot.store import open_store

    as_json: bool = options.pop("as_json")
    root: str = options["root"]
    settings = settings_from(
        options, max_failed_users=options.pop("max_failed_users"), on_incomplete=options.pop("on_incomplete")
    ).settings
    day = options["day"] or datetime.now(UTC).date()
    deadline = None if options["deadline"] is None else parse_duration(options["deadline"])
    store = open_store(root)
    wish, blanked = _wish(options), _blanked(options)
    published = store.manifest(day)
    if published is not None and not options["again"] and not options["dry_run"]:
        show_published(published, root=root, as_json=as_json)
        return ExitCode.DONE
    job = ExportJob(settings, load_credentials(), store=store, day=day, wish=wish, blanked_columns=blanked)
    if options["dry_run"]:
        show_estimate(job.estimate(), as_json=as_json)
        return ExitCode.DONE
    try:
        manifest = job.export(deadline=deadline, restart=options["restart"])
    except ReadstateError as error:
        if error.exit_code in _RESUMABLE:
            error.hint = "\n".join(
                filter(None, (error.hint, f"What was read is kept. To go on:  {_resume_line(sys.argv[1:], day)}"))
            )
        raise
    show_manifest(manifest, root=root, as_json=as_json)
    return ExitCode.DONE if manifest.complete else ExitCode.SOME_FAILED


def _wish(options: dict[str, Any]) -> Any:
    from pipeline.snapshot.roster import ALL_SERVICES, RosterWish
    from pipeline.snapshot.users_file import read_users_file

    services = tuple(options["services"]) or (ALL_SERVICES,)
    if options["users_file"] is None:
        return RosterWish(services, None, options["limit_users"])
    entries = read_users_file(options["users_file"])
    return RosterWish(services, tuple(entries), options["limit_users"])


def _blanked(options: dict[str, Any]) -> tuple[str, ...]:
    from pipeline.snapshot.schema import PII_COLUMNS, USER_CONVERSATIONS

    if options["drop_pii"] and options["columns"]:
        raise Usage("--columns and --drop-pii both say what to keep; give one of them")
    if options["drop_pii"]:
        return tuple(PII_COLUMNS)
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


def _resume_line(arguments: Sequence[str], day: date) -> str:
    """The command line that goes on: the same, with the date fixed, because midnight may pass meanwhile."""
    words = ["readstate", *(argument for argument in arguments if argument != "--restart")]
    if not any(word == "--date" or word.startswith("--date=") for word in words):
        words += ["--date", day.isoformat()]
    return shlex.join(words)
