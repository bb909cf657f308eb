"""``readstate undo``: plan the reversal of a run; reads only."""

from pathlib import Path
from typing import Any

from readstate.changes.runs.directory import find_run, open_plan_of
from readstate.errors import ExitCode
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import settings_from
from readstate_jobs.planning.plan_job import show_plan
from readstate_jobs.runs.read_only_job import ReadOnlyJob


def carry_out(*, run: str, root: Path, first_set_to: int | None, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate undo`` and return its exit code."""
    effective = settings_from(options)
    settings = effective.settings
    directory = find_run(run, Path(settings.work_dir))
    plan, _ = open_plan_of(directory)
    undo = ReadOnlyJob(settings, credentials_of(effective)).undo(directory, plan, root, first_set_to=first_set_to)
    show_plan(undo, as_json=as_json)
    return ExitCode.DONE
