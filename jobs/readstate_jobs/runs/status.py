"""``readstate status``: how far a run is, while it runs, after it, and after a kill."""

from typing import Any

import click

from readstate.changes.runs.directory import find_run
from readstate.changes.runs.status import status_of
from readstate.errors import ExitCode
from readstate_jobs.applying.apply_output import run_document, show_counts
from readstate_jobs.cli.options import json_option, runs_options, work_dir_from
from readstate_jobs.cli.terminal import print_json, print_line
from readstate_jobs.help.command import GroupedCommand


@click.command(cls=GroupedCommand)
@click.argument("run", metavar="RUN")
@runs_options
@click.option("--exit-code", "with_exit_code", is_flag=True, help="Exit with the code that the run itself would have.")
@json_option
def command(*, run: str, with_exit_code: bool, as_json: bool, **options: Any) -> int:
    """Show the progress of RUN, from its journal alone. Nothing is sent, and the run is not disturbed."""
    work_dir = work_dir_from(**options)
    directory = find_run(run, work_dir)
    status = status_of(directory, work_dir)
    document: dict[str, Any] = run_document(directory, status.header.plan_id, status.result)
    document |= {"schema": "status/1", "state": status.state, "epoch": status.epoch, "in_doubt": status.in_doubt}
    if as_json:
        print_json(document)
    else:
        print_line(f"{directory.run_id}  {status.state}  plan {status.header.plan_id}  start {status.epoch}")
        show_counts(status.result)
        if status.in_doubt:
            print_line(f"{status.in_doubt} rows may have been sent and have no outcome yet")
        if document["next"] is not None and status.state != "running":
            print_line(f"Next:     {document['next']}")
    return status.result.exit_code if with_exit_code else ExitCode.DONE
