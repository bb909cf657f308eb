"""What a run came to, for people and for machines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from readstate.changes.plans.reader import Plan
from readstate.changes.render.summary import sample, summarize
from readstate.changes.render.text import render_text
from readstate.changes.runs.directory import RunDirectory
from readstate.changes.runs.result import Ending
from readstate.errors import ExitCode, ReadstateError, Stopped
from readstate.model.guards import Consent, Guard
from readstate.model.outcome import MEANING
from readstate.text import group_digits
from readstate_jobs.applying.apply_job import Report
from readstate_jobs.cli.terminal import print_json, print_table

_SHOWN_ROWS = 20
_TEMPORARY = {ExitCode.LOCKED, ExitCode.NOT_PERMITTED, ExitCode.STOPPED_EARLY, ExitCode.LOCAL_DISK}
_FILES = {"failed.csv": ("rejected", "not_found", "mismatch"), "drifted.csv": ("drifted", "superseded"),
          "unknown.csv": ("unknown",)}  # fmt: skip


def run_document(directory: RunDirectory, plan_id: str, ending: Ending) -> dict[str, Any]:
    """What a scheduler needs to know of a run."""
    return {
        "run_id": directory.run_id,
        "run_dir": str(directory.path),
        "plan_id": plan_id,
        "counts": {outcome.value: ending.counts.get(outcome, 0) for outcome in MEANING},
        "stopped": None if ending.stopped is None else ending.stopped.text,
        "results": str(directory.path / "results.parquet"),
        "exit_code": int(ending.exit_code),
        "resumable": ending.resumable,
        "next": next_step(directory, ending),
    }


def next_step(directory: RunDirectory, ending: Ending) -> str | None:
    """What to type next; None where nothing is left to do."""
    if ending.resumable:
        return f"readstate resume {directory.run_id}"
    if ending.exit_code == ExitCode.SOME_DRIFTED:
        return f"readstate plan {directory.path / 'drifted.csv'}"
    return None


def show_run(report: Report, *, as_json: bool) -> int:
    """Print how a run ended and give its exit code. Raises `Stopped` where it ended early."""
    ending, directory = report.ending, report.run
    if as_json:
        print_json(run_document(directory, report.plan.manifest.plan_id, ending))
    else:
        show_counts(ending)
        click.echo(f"Results:  {directory.path / 'results.csv'}")
        for name, outcomes in _FILES.items():
            if any(ending.counts.get(outcome) for outcome in outcomes):
                click.echo(f"Again:    {directory.path / name}")
        if (following := next_step(directory, ending)) is not None:
            click.echo(f"Next:     {following}")
    if ending.stopped is not None:
        raise Stopped(
            ending.stopped.text,
            exit_code=ending.stopped.exit_code,
            hint=f"What was done is kept. To go on:  readstate resume {directory.run_id}",
        )
    return ending.exit_code


def show_counts(ending: Ending) -> None:
    """Print a table of outcomes."""
    rows = [
        [outcome.value, group_digits(number), meaning]
        for outcome, meaning in MEANING.items()
        if (number := ending.counts.get(outcome, 0))
    ]
    print_table(rows or [["-", "0", "nothing was to be changed"]], header=["outcome", "rows", ""])


def show_refusal(plan: Plan, consent: Consent) -> None:
    """Print what the plan would do, and what every guard says to it with *consent*."""
    click.echo(render_text(summarize(plan, sample(plan)[:_SHOWN_ROWS], consent)), nl=False)


@contextmanager
def json_on_error(*, as_json: bool) -> Iterator[dict[str, Any]]:
    """End with one document, where that is wanted, also when nothing could be begun; the block may add to it."""
    document: dict[str, Any] = {"run_id": None, "run_dir": None, "plan_id": None, "counts": {}}
    try:
        yield document
    except ReadstateError as error:
        if as_json:
            print_json(
                document
                | {
                    "error": error.message,
                    "exit_code": int(error.exit_code),
                    "resumable": error.exit_code in _TEMPORARY,
                    "next": error.hint,
                }
            )
        raise


def guard_documents(guards: list[Guard]) -> list[dict[str, Any]]:
    """What each guard says, and what it needs."""
    return [
        {"name": guard.name, "kind": guard.kind.value, "passed": guard.passed, "message": guard.message,
         "needs": guard.needs}
        for guard in guards
    ]  # fmt: skip
