"""``readstate plan``: compare a changes file with Twilio, and write a plan; reads only."""

from pathlib import Path
from typing import Any

import click

from readstate.changes.planning.options import PlanOptions
from readstate.errors import BadInput, ExitCode
from readstate.model.plan import Mode
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import (
    connection_options,
    json_option,
    outcome_options,
    plans_output_option,
    require_service_sid,
    settings_from,
)
from readstate_jobs.help.command import GroupedCommand
from readstate_jobs.planning.changes_input import checked_input, input_options, pop_input_options
from readstate_jobs.planning.plan_job import PlanJob, reject, show_plan


@click.command(cls=GroupedCommand)
@input_options
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
@json_option
@outcome_options
@connection_options
def command(*, file: str, root: Path, as_json: bool, detailed_exitcode: bool, **options: Any) -> int:
    """Compare FILE with the current state in Twilio and write a plan of the changes. Nothing is changed.

    Read the plan, then:  readstate apply PLAN
    """
    file_options, on_invalid, service = (
        pop_input_options(options),
        options.pop("on_invalid"),
        options.pop("service"),
    )
    require_service_sid(service)
    effective = settings_from(options)
    settings = effective.settings
    plan_options = PlanOptions(mode=Mode(options.pop("mode")), writes_per_second=settings.writes_per_second, **options)
    credentials = credentials_of(effective)
    with checked_input(file, file_options) as checked:
        if checked.staged is None or (checked.problems.errors and on_invalid == "fail"):
            raise reject(checked, root, as_json=as_json)
        if checked.staged.rows == 0:
            raise BadInput(f"{checked.source.name}: there are no lines to plan", hint="Was the file cut off?")
        summary = PlanJob(settings, credentials, service, options=plan_options, root=root).plan(checked)
    show_plan(summary, as_json=as_json)
    changes = sum(summary.count(kind) for kind in ("update", "delete"))
    return ExitCode.CHANGES_PRESENT if detailed_exitcode and changes else ExitCode.DONE
