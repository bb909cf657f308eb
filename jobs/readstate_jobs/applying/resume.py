"""``readstate resume``: resume a run that was stopped, killed, or ended with failed rows."""

from pathlib import Path
from typing import Any

from readstate.changes.runs.directory import find_run, open_plan_of
from readstate_jobs.applying.apply_job import ApplyJob
from readstate_jobs.applying.apply_options import read_arguments
from readstate_jobs.applying.apply_output import json_on_error, show_run
from readstate_jobs.applying.consent import require_consent
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import settings_from
from readstate_jobs.output.messages import next_line


def carry_out(*, run: str, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate resume`` and return its exit code."""
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
