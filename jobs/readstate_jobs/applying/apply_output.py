"""The result of a run, for people and for machines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from readstate.changes.plans.reader import Plan
from readstate.changes.render.summary import sample, summarize
from readstate.changes.render.text import render_text
from readstate.changes.runs.directory import RunDirectory
from readstate.changes.runs.result import RunResult
from readstate.errors import ExitCode, ReadstateError, Stopped
from readstate.model.guards import Consent, Guard
from readstate.model.outcome import OUTCOMES, Outcome
from readstate.text import group_digits
from readstate_jobs.applying.apply_job import ApplyResult
from readstate_jobs.output.messages import next_line
from readstate_jobs.output.terminal import Document, print_json, print_line, print_plan, print_table

_SHOWN_ROWS = 20
_TEMPORARY = {ExitCode.LOCKED, ExitCode.NOT_PERMITTED, ExitCode.STOPPED_EARLY, ExitCode.LOCAL_DISK}


class RunFacts(Document):
    """What a scheduler needs to know of a run."""

    run_id: str
    run_dir: str
    plan_id: str
    counts: dict[Outcome, int]
    stopped: str | None
    results: str
    exit_code: int
    resumable: bool
    next: str | None


class Run(RunFacts, tag="run/1"):
    """Of ``apply`` and ``resume``."""


class RefusedRun(Document, tag="refused_run/1"):
    """Of ``apply`` and ``resume`` where nothing was begun, or an error ended it."""

    run_id: str | None
    run_dir: str | None
    plan_id: str | None
    counts: dict[Outcome, int]
    error: str
    exit_code: int
    resumable: bool
    next: str | None
    guards: list[Guard] | msgspec.UnsetType = msgspec.UNSET


Facts = TypeVar("Facts", bound=RunFacts)


def run_document(kind: type[Facts], directory: RunDirectory, plan_id: str, result: RunResult, **more: object) -> Facts:
    """Return a document about a run, with *more* where its *kind* has more."""
    return kind(
        run_id=directory.run_id,
        run_dir=str(directory.path),
        plan_id=plan_id,
        counts={outcome: result.counts.get(outcome, 0) for outcome in OUTCOMES},
        stopped=None if result.stopped is None else result.stopped.text,
        results=str(directory.path / "results.parquet"),
        exit_code=result.exit_code,
        resumable=result.resumable,
        next=next_command(directory, result),
        **more,
    )


def next_command(directory: RunDirectory, result: RunResult) -> str | None:
    """Return what to type next, or None."""
    if result.resumable:
        return next_line("resume", directory.run_id)
    if result.exit_code == ExitCode.SOME_DRIFTED:
        return next_line("plan", str(directory.path / "drifted.csv"))
    return None


def show_run(applied: ApplyResult, *, as_json: bool) -> int:
    """Print the result of a run and return its exit code. Raise `Stopped` where it ended early."""
    result, directory = applied.result, applied.run
    if as_json:
        print_json(run_document(Run, directory, applied.plan.manifest.plan_id, result))
    else:
        show_counts(result)
        print_line(f"Results:  {directory.path / 'results.csv'}")
        again = {facts.file for outcome, facts in OUTCOMES.items() if facts.file and result.counts.get(outcome)}
        for name in sorted(again):
            print_line(f"Re-plan:  {directory.path / name}")
        if result.stopped is None:  # otherwise the error below says how to continue
            for following in _following(directory, result):
                print_line(f"Next:     {following}")
    if result.stopped is not None:
        raise Stopped(
            result.stopped.text,
            exit_code=result.stopped.exit_code,
            hint=f"What was done is kept. To continue:  {next_line('resume', directory.run_id)}",
        )
    return result.exit_code


def _following(directory: RunDirectory, result: RunResult) -> Iterator[str]:
    """Yield the commands that may come next, for people."""
    if (needed := next_command(directory, result)) is not None:
        yield needed
    if result.counts.get(Outcome.APPLIED):
        yield f"{next_line('verify', 'last'):<24} read back what was changed"
        yield f"{next_line('report', 'last'):<24} what happened, as a page"
        yield f"{next_line('undo', 'last'):<24} plan the reversal"


def show_counts(result: RunResult) -> None:
    """Print a table of outcomes."""
    rows = [
        [outcome.value, group_digits(number), facts.meaning]
        for outcome, facts in OUTCOMES.items()
        if (number := result.counts.get(outcome, 0))
    ]
    print_table(rows or [["-", "0", "nothing was to be changed"]], header=["outcome", "rows", ""])


def show_refusal(plan: Plan, consent: Consent) -> None:
    """Print what the plan would do, and what every guard says with *consent*."""
    print_plan(render_text(summarize(plan, sample(plan)[:_SHOWN_ROWS], consent)))


@contextmanager
def json_on_error(*, as_json: bool) -> Iterator[dict[str, Any]]:
    """End with one document, where that is wanted, also when nothing could be begun; the block may add to it."""
    document: dict[str, Any] = {"run_id": None, "run_dir": None, "plan_id": None, "counts": {}}
    try:
        yield document
    except ReadstateError as error:
        if as_json:
            print_json(
                RefusedRun(
                    **document,
                    error=error.message,
                    exit_code=error.exit_code,
                    resumable=error.exit_code in _TEMPORARY,
                    next=error.hint,
                )
            )
        raise
