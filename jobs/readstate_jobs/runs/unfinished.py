"""What is unfinished on this machine: exports and shards, runs, and plans that wait to be applied."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from readstate.changes.plans.reader import plans_in, read_manifest
from readstate.changes.plans.tombstone import read_tombstone
from readstate.changes.runs.directory import RunDirectory, runs_in
from readstate.changes.runs.status import RunStatus, status_of
from readstate.errors import ReadstateError
from readstate.model.outcome import Outcome
from readstate.model.plan import Manifest
from readstate.snapshot.workspace.unfinished import UnfinishedExport, look_at, work_folders
from readstate.text import group_digits, pluralize
from readstate_jobs.output.messages import command_line
from readstate_jobs.output.terminal import print_line, print_table


@dataclass(frozen=True, slots=True)
class Unfinished:
    """All of it at one moment."""

    exports: list[UnfinishedExport]
    runs: list[tuple[RunDirectory, RunStatus]]
    plans: list[tuple[Path, Manifest]]
    """Those that no run was begun with, that have not expired, and that would change something."""

    @property
    def is_running(self) -> bool:
        return any(export.is_running for export in self.exports) or any(s.state == "running" for _, s in self.runs)


def find_unfinished(work_dir: Path, plans: Path) -> Unfinished:
    """Return what is unfinished in *work_dir*, and in the folder *plans*; report what cannot be read."""
    exports: list[UnfinishedExport] = []
    runs: list[tuple[RunDirectory, RunStatus]] = []
    waiting: list[tuple[Path, Manifest]] = []
    for folder in work_folders(work_dir):
        with _reported():
            exports += [export] if (export := look_at(folder)) is not None else []
    for run in runs_in(work_dir):
        if run.journal.is_file():
            with _reported():
                runs.append((run, status_of(run, work_dir)))
    begun = {status.header.plan_id for _, status in runs}
    for plan in plans_in(plans):
        with _reported():
            manifest = read_manifest(plan)
            changes = manifest.guard_inputs.updates + manifest.guard_inputs.deletes
            is_usable = changes and manifest.expires_at > datetime.now(UTC) and read_tombstone(plan) is None
            waiting += [(plan, manifest)] if is_usable and manifest.plan_id not in begun else []
    return Unfinished(exports, [(run, status) for run, status in runs if status.state != "finished"], waiting)


def unfinished_document(found: Unfinished) -> dict[str, Any]:
    """Return *found* as JSON has it."""
    return {
        "schema": "unfinished/1",
        "exports": [
            {
                "root": export.root,
                "run_id": export.run_id,
                "snapshot_date": export.snapshot_date.isoformat(),
                "state": _state(export),
                "users_done": export.users_done,
                "users_listed": export.users_listed,
                "list_complete": export.is_listed,
                "users_failed": export.users_failed,
                "rows": export.rows,
                "saved_at": export.saved_at.isoformat(),
                "folder": str(export.folder),
            }
            for export in found.exports
        ],
        "runs": [
            {
                "run_id": run.run_id,
                "plan_id": status.header.plan_id,
                "state": status.state,
                "rows_done": _rows_done(status),
                "rows": status.header.executable,
                "in_doubt": status.in_doubt,
            }
            for run, status in found.runs
        ],
        "plans": [
            {
                "plan_id": manifest.plan_id,
                "plan_dir": str(plan),
                "updates": manifest.guard_inputs.updates,
                "deletes": manifest.guard_inputs.deletes,
                "expires_at": manifest.expires_at.isoformat(),
            }
            for plan, manifest in found.plans
        ],
    }


def show_unfinished(found: Unfinished) -> None:
    """Print *found* as a table, with what to type next."""
    rows = [*_export_rows(found), *_run_rows(found), *_plan_rows(found)]
    if rows:
        print_table(rows, header=["", "state", "progress", "next"])
    else:
        print_line("Nothing is unfinished. The last run:  readstate status last")


def _export_rows(found: Unfinished) -> Iterator[list[str]]:
    for export in found.exports:
        more = "" if export.is_listed else " or more"
        failed = f", {group_digits(export.users_failed)} failed" if export.users_failed else ""
        yield [
            f"export of {export.snapshot_date} to {export.root or '?'}",
            _state(export),
            (
                f"{group_digits(export.users_done)} of {group_digits(export.users_listed)}{more} users{failed},"
                f" {group_digits(export.rows)} rows, saved {export.saved_at:%Y-%m-%d %H:%M:%S} UTC"
            ),
            "" if export.is_running else f"its command again, with --date {export.snapshot_date}",
        ]


def _run_rows(found: Unfinished) -> Iterator[list[str]]:
    for run, status in found.runs:
        doubt = f", {group_digits(status.in_doubt)} in doubt" if status.in_doubt else ""
        yield [
            f"run {run.run_id}",
            status.state,
            f"{group_digits(_rows_done(status))} of {group_digits(status.header.executable)} rows{doubt}",
            "" if status.state == "running" else f"readstate resume {run.run_id}",
        ]


def _plan_rows(found: Unfinished) -> Iterator[list[str]]:
    for plan, manifest in found.plans:
        facts = manifest.guard_inputs
        yield [
            f"plan {manifest.plan_id}",
            "not applied",
            (
                f"{pluralize(facts.updates, 'update')}, {pluralize(facts.deletes, 'delete')},"
                f" expires {manifest.expires_at:%Y-%m-%d %H:%M} UTC"
            ),
            f"readstate show {plan}",
        ]


def _state(export: UnfinishedExport) -> str:
    return "running" if export.is_running else "stopped"


def _rows_done(status: RunStatus) -> int:
    return status.header.executable - status.result.counts.get(Outcome.CANCELLED, 0)


@contextmanager
def _reported() -> Iterator[None]:
    """Report what cannot be read, and go on with the next."""
    try:
        yield
    except ReadstateError as error:
        command_line().print_message(error.message, level="warning", hint=error.hint)
