"""``readstate undo``: plan the reversal of a run; reads only."""

from pathlib import Path
from typing import Any

import click

from readstate.changes.runs.directory import find_run, open_plan_of
from readstate.errors import ExitCode
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import connection_options, json_option, plans_output_option, settings_from
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.planning.plan_job import show_plan
from readstate_jobs.runs.read_only_job import ReadOnlyJob


@click.command(cls=GroupedCommand)
@click.argument("run", metavar="RUN")
@plans_output_option
@click.option(
    "--first-set-to", type=click.IntRange(min=0), metavar="INDEX",
    help="The new value of a read horizon that was not set before the run: it cannot be cleared. [default: leave it]",
)  # fmt: skip
@json_option
@connection_options
def command(*, run: str, root: Path, first_set_to: int | None, as_json: bool, **options: Any) -> int:
    """Plan the reversal of RUN, for the rows that still have the value that RUN set. Nothing is changed.

    Removals cannot be undone. Read the plan, then:  readstate apply PLAN
    """
    effective = settings_from(options)
    settings = effective.settings
    directory = find_run(run, Path(settings.work_dir))
    plan, _ = open_plan_of(directory)
    undo = ReadOnlyJob(settings, credentials_of(effective)).undo(directory, plan, root, first_set_to=first_set_to)
    show_plan(undo, as_json=as_json)
    return ExitCode.DONE
