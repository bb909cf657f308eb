"""``readstate plan``: compare a changes file with Twilio, and write a plan; reads only."""

from pathlib import Path
from typing import Any

from readstate.changes.planning.options import PlanOptions
from readstate.errors import BadInput, ExitCode
from readstate.model.plan import Mode
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import (
    require_service_sid,
    settings_from,
)
from readstate_jobs.planning.changes_input import checked_input, pop_input_options
from readstate_jobs.planning.plan_job import PlanJob, reject, show_plan


def carry_out(*, file: str, root: Path, as_json: bool, detailed_exitcode: bool, **options: Any) -> int:
    """Carry out ``readstate plan`` and return its exit code."""
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
