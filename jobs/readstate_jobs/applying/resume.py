"""``readstate resume``: resume a run that was stopped, killed, or ended with failed rows."""

from pathlib import Path
from typing import Any

import click

from readstate.changes.runs.directory import find_run, open_plan_of
from readstate_jobs.applying.apply_job import ApplyJob
from readstate_jobs.applying.apply_options import apply_options, read_arguments
from readstate_jobs.applying.apply_output import json_on_error, show_run
from readstate_jobs.applying.consent import require_consent
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import connection_options, json_option, outcome_options, settings_from
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.output.messages import next_line


@click.command(cls=GroupedCommand)
@click.argument("run", metavar="RUN")
@apply_options
@json_option
@outcome_options
@connection_options
def command(*, run: str, as_json: bool, **options: Any) -> int:
    """Resume RUN, a run's folder, its id or "last", with the plan and the consent that it was started with.

    Rows that may have been sent are read back before anything is sent again; failed rows are tried once more.
    """
    with json_on_error(as_json=as_json) as document:
        arguments, excel = read_arguments(options), options.pop("excel")
        effective = settings_from(options)
        settings = effective.settings
        directory = find_run(run, Path(settings.work_dir))
        document |= {"run_id": directory.run_id, "run_dir": str(directory.path)}
        plan, header = open_plan_of(directory)
        arguments = arguments.overriding(header.consent, header.options)
        document["plan_id"] = plan.manifest.plan_id
        again = next_line("resume", directory.run_id)
        arguments = require_consent(plan, arguments, document, again=again, as_json=as_json)
        result = ApplyJob(settings, credentials_of(effective), arguments, excel=excel).resume(directory, plan)
    return show_run(result, as_json=as_json)
