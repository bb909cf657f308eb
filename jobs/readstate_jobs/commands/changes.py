"""Commands that plan changes: how they are typed, and their help."""

import click

from readstate_jobs.cli.options import (
    LocalPath,
    json_option,
    plan_argument,
    plans_output_option,
    together,
    unattended_options,
    users_option,
)
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.help.file_name import FileName

_input_options = together(
    click.argument("file", type=FileName(), metavar="FILE"),
    click.option("--op", type=click.Choice(["update", "delete"]), help="The operation of every line."),
    click.option("--encoding", metavar="NAME", help="The encoding. [default: by the byte order mark, else UTF-8]"),
    click.option("--delimiter", metavar="SIGN", help="Comma, semicolon, tab or pipe. [default: from the header]"),
)
"""The file and the options for reading it."""


@click.command(cls=GroupedCommand, job="planning.template")
@click.option("--op", type=click.Choice(["update", "delete"]), required=True, help="The operation of the examples.")
def template() -> None:
    """Write a changes file with two examples to stdout.

    Change its values, then:  readstate lint changes.csv --op update
    """


@click.command(cls=GroupedCommand, job="planning.lint")
@_input_options
@click.option(
    "--rejects", type=LocalPath(dir_okay=False), metavar="CSV",
    help="Where every problem is listed. [default: NAME.rejects.csv in this folder]",
)  # fmt: skip
@json_option
def lint() -> None:
    """Find every problem of FILE in one pass; nothing is sent, and no credentials are needed.

    Exit code 10: some lines cannot be used.
    """


@click.command(cls=GroupedCommand, job="planning.plan")
@_input_options
@plans_output_option
@click.option("--service", metavar="IS…", help="The service of all lines. [default: the account's default service]")
@click.option(
    "--on-invalid", type=click.Choice(["fail", "skip"]), default="fail", show_default=True,
    help="Unusable lines stop the plan, or are left out of it.",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(["advance", "exact"]), default="advance", show_default=True,
    help="When applying: accept horizons that have moved up since the plan (advance), or no change at all (exact).",
)  # fmt: skip
@click.option("--allow-rewind", is_flag=True, help="Allow read horizons to move back: read messages become unread.")
@click.option(
    "--allow-first-set",
    is_flag=True,
    help="Allow @latest to set read horizons that were never set; this cannot be undone.",
)
@click.option("--allow-beyond-latest", is_flag=True, help="Allow read horizons beyond the newest message.")
@click.option("--allow-closed", is_flag=True, help="Include closed conversations.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is something to change.")
@unattended_options
def plan() -> None:
    """Compare FILE with the current state in Twilio and write a plan of the changes. Nothing is changed.

    Read the plan, then:  readstate apply PLAN
    """


@click.command(cls=GroupedCommand, job="mark_read.command")
@users_option
@click.option("--all", "all_users", is_flag=True, help="All users of the service.")
@click.option("--service", metavar="IS…", help="The service. [default: the account's default service]")
@click.option("--state", "states", default="active,inactive", show_default=True, metavar="A,B,…",
              help="Only conversations in these states: active, inactive, closed.")  # fmt: skip
@click.option(
    "--unread-at-least", type=click.IntRange(1, 1000), metavar="N", help="Only with at least N unread messages."
)
@click.option("--muted", is_flag=True, help="Only muted ones.")
@click.option("--conversation-updated-before", "updated_before", metavar="30d|DATE",
              help="Only conversations that have not changed for that long, or since that date.")  # fmt: skip
@click.option(
    "--exclude",
    "exclude_file",
    type=FileName(),
    metavar="FILE",
    help="Skip the users, conversations or memberships in FILE.",
)
@click.option("--include-never-read", "never_read_too", is_flag=True,
              help="Also where no read horizon was ever set; once set, it cannot be cleared.")  # fmt: skip
@click.option("--mute", is_flag=True, help="Also mute the selected conversations.")
@click.option("--unmute", is_flag=True, help="Also unmute the selected conversations.")
@click.option("--keep-unread", is_flag=True, help="Do not move read horizons: only --mute or --unmute.")
@plans_output_option
@unattended_options
def mark_read() -> None:
    """Plan to mark conversations as read, up to their newest message. Nothing is changed.

    Closed conversations, and those that were never read, are skipped by default; no read horizon moves back.
    Read the plan, then:  readstate apply PLAN
    """


@click.command(cls=GroupedCommand, job="planning.show")
@plan_argument
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "md", "html"]), default="text", show_default=True,
    help="How to write it to stdout.",
)  # fmt: skip
@click.option("--only", metavar="A,B,…", help="Only rows of these kinds: delete, blocked, rewind, REWIND, …")
@click.option("--row", type=click.IntRange(min=0), metavar="N", help="Only the row with this plan_row_id.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many rows.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is something to change.")
def show() -> None:
    """Show PLAN, a plan's folder, its id or "last".

    Its rows, participants and rejected lines are checked against its digests first.
    """
