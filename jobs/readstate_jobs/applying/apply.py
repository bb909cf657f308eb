"""``readstate apply``: carry out a reviewed plan."""

from pathlib import Path
from typing import Any

from readstate.changes.plans.reader import find_plan, open_plan
from readstate.changes.runs.directory import open_plan_of, run_of
from readstate_jobs.applying.apply_job import ApplyJob, require_canary_confirmed
from readstate_jobs.applying.apply_options import read_arguments
from readstate_jobs.applying.apply_output import json_on_error, show_run
from readstate_jobs.applying.consent import require_consent
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import settings_from
from readstate_jobs.output.messages import next_line


def carry_out(*, plan: str, root: Path, go_on: bool, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate apply`` and return its exit code."""
    with json_on_error(as_json=as_json) as document:
        opened = open_plan(find_plan(plan, root))
        document["plan_id"] = opened.manifest.plan_id
        arguments, excel = read_arguments(options), options.pop("excel")
        effective = settings_from(options)
        settings = effective.settings
        begun = run_of(opened.manifest.plan_id, Path(settings.work_dir)) if go_on else None
        if begun is not None:
            require_canary_confirmed(begun)
            opened, header = open_plan_of(begun)
            arguments = arguments.overriding(header.consent, header.options)
        arguments.to_options(max_parallel_rows=1, max_outage_seconds=1)  # a wrong option is refused before anything
        again = next_line("apply", str(opened.directory))
        arguments = require_consent(opened, arguments, document, again=again, as_json=as_json)
        job = ApplyJob(settings, credentials_of(effective), arguments, excel=excel)
        result = job.apply(opened) if begun is None else job.resume(begun, opened)
    return show_run(result, as_json=as_json)
