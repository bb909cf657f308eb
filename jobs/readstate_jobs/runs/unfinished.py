"""What is unfinished on this machine: exports and shards, runs, and plans that wait to be applied."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from readstate.changes.plans.reader import plans_in, read_manifest
from readstate.changes.plans.tombstone import read_tombstone
from readstate.changes.runs.directory import runs_in
from readstate.changes.runs.status import RunStatus, State, status_of
from readstate.errors import ReadstateError
from readstate.model.outcome import Outcome
from readstate.snapshot.workspace.unfinished import UnfinishedExport, look_at, work_folders
from readstate.text import group_digits, pluralize
from readstate_jobs.output.messages import command_line, next_line
from readstate_jobs.output.terminal import Document, print_line, print_table


class UnfinishedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is under way, or was stopped or killed."""

    run_id: str
    plan_id: str
    state: State
    rows_done: int
    rows: int
    in_doubt: int


class WaitingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that no run was begun with, that has not expired, and that would change something."""

    plan_id: str
    plan_dir: str
    updates: int
    deletes: int
    expires_at: datetime


class Unfinished(Document, tag="unfinished/1"):
    """Of ``status`` without a RUN."""

    exports: list[UnfinishedExport]
    runs: list[UnfinishedRun]
    plans: list[WaitingPlan]

    @property
    def is_running(self) -> bool:
        states = [*(export.state for export in self.exports), *(run.state for run in self.runs)]
        return "running" in states


def find_unfinished(work_dir: Path, plans: Path) -> Unfinished:
    """Return what is unfinished in *work_dir*, and in the folder *plans*; report what cannot be read."""
    exports: list[UnfinishedExport] = []
    runs: list[UnfinishedRun] = []
    waiting: list[WaitingPlan] = []
    for folder in work_folders(work_dir):
        with _reported():
            exports += [export] if (export := look_at(folder)) is not None else []
    for run in runs_in(work_dir):
        if run.journal.is_file():
            with _reported():
                runs.append(_run(run.run_id, status_of(run, work_dir)))
    begun = {run.plan_id for run in runs}
    for folder in plans_in(plans):
        with _reported():
            manifest, is_erased = read_manifest(folder), read_tombstone(folder) is not None
            plan = WaitingPlan(
                plan_id=manifest.plan_id,
                plan_dir=str(folder),
                updates=manifest.guard_inputs.updates,
                deletes=manifest.guard_inputs.deletes,
                expires_at=manifest.expires_at,
            )
            is_usable = (plan.updates or plan.deletes) and plan.expires_at > datetime.now(UTC) and not is_erased
            waiting += [plan] if is_usable and plan.plan_id not in begun else []
    return Unfinished(exports=exports, runs=[run for run in runs if run.state != "finished"], plans=waiting)


def _run(run_id: str, status: RunStatus) -> UnfinishedRun:
    rows = status.header.executable
    return UnfinishedRun(
        run_id=run_id,
        plan_id=status.header.plan_id,
        state=status.state,
        rows_done=rows - status.result.counts.get(Outcome.CANCELLED, 0),
        rows=rows,
        in_doubt=status.in_doubt,
    )


def show_unfinished(found: Unfinished) -> None:
    """Print *found* as a table, with what to type next."""
    rows = [*_export_rows(found), *_run_rows(found), *_plan_rows(found)]
    if rows:
        print_table(rows, header=["", "state", "progress", "next"])
    else:
        print_line("Nothing is unfinished. The last run:  readstate status last")


def _export_rows(found: Unfinished) -> Iterator[list[str]]:
    for export in found.exports:
        more = "" if export.list_complete else " or more"
        failed = f", {group_digits(export.users_failed)} failed" if export.users_failed else ""
        yield [
            f"export of {export.snapshot_date} to {export.root or '?'}",
            export.state,
            (
                f"{group_digits(export.users_done)} of {group_digits(export.users_listed)}{more} users{failed},"
                f" {group_digits(export.rows)} rows, saved {export.saved_at:%Y-%m-%d %H:%M:%S} UTC"
            ),
            "" if export.state == "running" else f"its command again, with --date {export.snapshot_date}",
        ]


def _run_rows(found: Unfinished) -> Iterator[list[str]]:
    for run in found.runs:
        doubt = f", {group_digits(run.in_doubt)} in doubt" if run.in_doubt else ""
        yield [
            f"run {run.run_id}",
            run.state,
            f"{group_digits(run.rows_done)} of {group_digits(run.rows)} rows{doubt}",
            "" if run.state == "running" else next_line("resume", run.run_id),
        ]


def _plan_rows(found: Unfinished) -> Iterator[list[str]]:
    for plan in found.plans:
        yield [
            f"plan {plan.plan_id}",
            "not applied",
            (
                f"{pluralize(plan.updates, 'update')}, {pluralize(plan.deletes, 'delete')},"
                f" expires {plan.expires_at:%Y-%m-%d %H:%M} UTC"
            ),
            f"readstate show {plan.plan_dir}",
        ]


@contextmanager
def _reported() -> Iterator[None]:
    """Report what cannot be read, and go on with the next."""
    try:
        yield
    except ReadstateError as error:
        command_line().print_message(error.message, level="warning", hint=error.hint)
