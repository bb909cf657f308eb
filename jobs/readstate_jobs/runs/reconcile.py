"""``readstate reconcile``: the journal of a run is lost; find out from Twilio what was done; reads only."""

from pathlib import Path
from typing import Any

import click

from readstate.errors import ExitCode
from readstate_jobs.cli.options import connection_options, json_option, plan_argument, settings_from


@click.command()
@plan_argument
@json_option
@connection_options
def command(*, plan: str, root: Path, as_json: bool, **options: Any) -> int:
    """Read every row of PLAN and begin a new run whose journal says how it stands. Nothing is changed at Twilio.

    Rows that are still as they were before are carried out by:  readstate resume RUN
    """
    from readstate.changes.plans.reader import find_plan, open_plan
    from readstate.settings import load_credentials
    from readstate.text import group_digits
    from readstate_jobs.cli.terminal import print_json, print_table
    from readstate_jobs.runs.read_only_job import LookJob

    opened = open_plan(find_plan(plan, root))
    settings = settings_from(options).settings
    directory, found = LookJob(settings, load_credentials()).reconcile(opened)
    counts = {where.value: number for where, number in sorted(found.items())}
    following = f"readstate resume {directory.run_id}"
    if as_json:
        print_json(
            {
                "run_id": directory.run_id,
                "run_dir": str(directory.path),
                "plan_id": opened.manifest.plan_id,
                "counts": counts,
                "exit_code": int(ExitCode.DONE),
                "resumable": True,
                "next": following,
            }
        )
        return ExitCode.DONE
    rows = [[name.replace("_", " "), group_digits(number)] for name, number in counts.items()]
    print_table(rows or [["nothing to read", "0"]], header=["now", "rows"])
    click.echo(f"To go on: {following}")
    return ExitCode.DONE
