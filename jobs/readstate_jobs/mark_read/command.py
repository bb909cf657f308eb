"""``readstate mark-read``: select conversations by conditions, and plan to mark them as read; reads only."""

from pathlib import Path
from typing import Any

from readstate.errors import ExitCode
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import (
    settings_from,
)
from readstate_jobs.mark_read.job import MarkReadJob
from readstate_jobs.mark_read.options import parse_options
from readstate_jobs.output.messages import command_line
from readstate_jobs.planning.plan_job import show_plan


def carry_out(*, root: Path, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate mark-read`` and return its exit code."""
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
