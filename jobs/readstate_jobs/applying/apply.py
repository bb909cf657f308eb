"""``readstate apply``: carry out a plan that somebody has read."""

from pathlib import Path
from typing import Any

import click

from readstate.changes.plans.reader import find_plan, open_plan
from readstate.changes.runs.directory import run_of
from readstate.credentials import load_credentials
from readstate_jobs.applying.apply_job import ApplyJob, plan_of, refuse_unseen_canary
from readstate_jobs.applying.apply_options import apply_options, take_apply_options
from readstate_jobs.applying.apply_output import json_on_error, show_run
from readstate_jobs.applying.consent import require_consent
from readstate_jobs.cli.options import connection_options, json_option, plan_argument, settings_from


@click.command()
@plan_argument
@click.option("--go-on", is_flag=True, help="Where a run of PLAN was begun, go on with it: for schedulers' retries.")
@apply_options
@json_option
@connection_options
def command(*, plan: str, root: Path, go_on: bool, as_json: bool, **options: Any) -> int:
    """Carry out PLAN, a plan's folder or its id: exactly what it shows, to exactly those rows, once.

    Each row is read right before it is written, and left alone where it is no longer as planned.
    A run that was stopped or killed goes on with:  readstate resume RUN
    """
    with json_on_error(as_json=as_json) as document:
        opened = open_plan(find_plan(plan, root))
        document["plan_id"] = opened.manifest.plan_id
        wish, excel = take_apply_options(options), options.pop("excel")
        settings = settings_from(options, writes_per_second=options.pop("writes_per_second")).settings
        begun = run_of(opened.manifest.plan_id, Path(settings.work_dir)) if go_on else None
        if begun is not None:
            refuse_unseen_canary(begun)
            opened, wish = plan_of(begun, wish)
        wish.as_options(max_parallel_rows=1, max_outage_seconds=1)
        wish = require_consent(opened, wish, document, again=f"readstate apply {opened.directory}", as_json=as_json)
        job = ApplyJob(settings, load_credentials(), wish, excel=excel)
        report = job.apply(opened) if begun is None else job.resume(begun, opened)
    return show_run(report, as_json=as_json)
