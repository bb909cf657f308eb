"""``readstate mark-read``: select conversations by conditions, and plan to mark them as read; reads only."""

from pathlib import Path
from typing import Any

import click

from readstate.errors import ExitCode
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import (
    connection_options,
    json_option,
    outcome_options,
    plans_output_option,
    settings_from,
    users_option,
)
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.help.file_name import FileName
from readstate_jobs.mark_read.job import MarkReadJob
from readstate_jobs.mark_read.options import parse_options
from readstate_jobs.output.messages import command_line
from readstate_jobs.planning.plan_job import show_plan


@click.command(cls=GroupedCommand)
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
@json_option
@outcome_options
@connection_options
def command(*, root: Path, as_json: bool, **options: Any) -> int:
    """Plan to mark conversations as read, up to their newest message. Nothing is changed.

    Closed conversations, and those that were never read, are skipped by default; no read horizon moves back.
    Read the plan, then:  readstate apply PLAN
    """
    effective = settings_from(options)
    settings = effective.settings
    chosen = parse_options(**options)
    marked = MarkReadJob(settings, credentials_of(effective), options=chosen, root=root).plan()
    show_plan(marked.summary, as_json=as_json)
    facts = marked.facts
    none_known = facts.users_unknown > 0 and facts.users + facts.users_vanished + facts.users_failed == 0
    if none_known:
        hint = "Is it the right account and service?"
        command_line().print_message("nothing is selected: Twilio knows none of the users", level="error", hint=hint)
    elif not facts.selected:
        reason = "all conversations were skipped" if facts.rows else "the users are in no conversation"
        command_line().print_message(f"Nothing is selected: {reason}. There is nothing to apply.")
    for failure in marked.failures:
        command_line().print_message(f"not read: {failure}", level="warning")
    return ExitCode.SOME_FAILED if facts.users_failed or none_known else ExitCode.DONE
