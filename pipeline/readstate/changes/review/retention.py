"""Erase the personal data of plans and runs; manifests, audits and counts stay for an auditor.

Nothing of a service is erased while a run changes it. The tombstone is written first, so that a plan or run that is
half erased after a kill counts as erased, and the same command finishes it.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from readstate.changes.plans.reader import plans_in, read_header
from readstate.changes.plans.tombstone import Tombstone, write_tombstone
from readstate.changes.plans.writer import MANIFEST, PARTICIPANTS, REJECTS, ROWS_FILE, UNFINISHED, is_abandoned
from readstate.changes.runs.directory import RunDirectory, runs_in
from readstate.changes.runs.journal import open_read_only
from readstate.changes.runs.lock import target_lock
from readstate.changes.runs.result import summarise
from readstate.changes.runs.results import write_audit
from readstate.changes.runs.row_record import INTENT
from readstate.disk.files import translate_os_errors
from readstate.errors import Damaged
from readstate.model.outcome import Outcome
from readstate.model.plan import Target
from readstate.text import pluralize

_PLAN_FILES = (ROWS_FILE, REJECTS, PARTICIPANTS, "summary.txt", "summary.md", "summary.json", "summary.html")
_RUN_FILES = (
    "results.parquet", "results.csv", "failed.csv", "drifted.csv", "unknown.csv", "work.sqlite", ".*.unfinished",
    "report.html",
    # The journal goes last: while it is there, a run that is half erased is found again.
    "journal.sqlite-*", "journal.sqlite",
)  # fmt: skip


class Erasable(Struct, frozen=True, kw_only=True):
    """A plan with its runs, a single run, or what a killed ``readstate plan`` has left behind."""

    kind: Literal["plan", "run", "unfinished plan"]
    path: Path
    last_used: datetime
    files: tuple[Path, ...]
    """The files to remove, in this order; without those of the runs of a plan."""
    target: Target | None = None
    """What the plan or run is about; None for an unfinished plan, and where a damaged journal does not say it."""
    plan_id: str | None = None
    description: str = ""
    kept: str = ""
    runs: tuple["Erasable", ...] = ()
    applied: int = 0
    """Rows that a run has changed: afterwards they can be neither undone nor verified."""
    in_doubt: int = 0
    """Rows of unknown outcome: afterwards it cannot be found out any more."""

    @property
    def name(self) -> str:
        return self.path.name if self.plan_id is None or self.kind == "run" else self.plan_id

    @property
    def is_erased(self) -> bool:
        return self.kind != "unfinished plan" and not self.files and all(run.is_erased for run in self.runs)


def inspect_plan(directory: Path, work_dir: Path) -> Erasable:
    """Return what can be erased of the plan in *directory*. Raise `BadInput`, `PlanUnusable`, `LocalDisk`."""
    manifest = read_header(directory)
    runs = tuple(run for run in map(inspect_run, runs_in(work_dir)) if run.plan_id == manifest.plan_id)
    return Erasable(
        kind="plan",
        path=directory,
        last_used=max([manifest.created_at, *(run.last_used for run in runs)]),
        files=_existing(directory, _PLAN_FILES),
        target=manifest.target,
        plan_id=manifest.plan_id,
        description=f"{pluralize(manifest.rows, 'row')}, made {manifest.created_at:%Y-%m-%d %H:%M} UTC"
        f" by {manifest.planner.os_user}",
        kept=f"{MANIFEST} with counts and digests",
        runs=runs,
    )


def inspect_run(directory: RunDirectory) -> Erasable:
    """Return what can be erased of the run in *directory*. Raise `BadInput`, `LocalDisk`."""
    if not directory.journal.is_file():
        return Erasable(kind="run", path=directory.path, last_used=_modified(directory.path), files=())
    try:
        with closing(open_read_only(directory.journal)) as journal:
            header, counts = journal.header, journal.counts()
            last_used = max([header.started_at, *(datetime.fromisoformat(event["at"]) for event in journal.events())])
    except Damaged as error:
        return Erasable(
            kind="run",
            path=directory.path,
            last_used=_modified(directory.path),
            files=_existing(directory.path, _RUN_FILES),
            description=f"cannot be read: {error.message}",
            kept="only the record that it was forgotten",
        )
    return Erasable(
        kind="run",
        path=directory.path,
        last_used=last_used,
        files=_existing(directory.path, _RUN_FILES),
        target=header.target,
        plan_id=header.plan_id,
        description=f"of plan {header.plan_id}, last at work {last_used:%Y-%m-%d %H:%M} UTC",
        kept="audit.jsonl with the number of rows by outcome",
        applied=counts.get(Outcome.APPLIED, 0),
        in_doubt=counts.get(INTENT, 0) + counts.get(Outcome.UNKNOWN, 0),
    )


def unused_since(limit: datetime, *, plans_root: Path, work_dir: Path) -> Iterator[Erasable]:
    """Yield what was last used before *limit* and is not erased yet: plans, then runs whose plans lie elsewhere.

    Raise `PlanUnusable`, `LocalDisk`.
    """
    plans = [inspect_plan(path, work_dir) for path in plans_in(plans_root)]
    in_plans = {run.path for plan in plans for run in plan.runs}
    alone = [inspect_run(run) for run in runs_in(work_dir) if run.path not in in_plans]
    unfinished = sorted(path for path in plans_root.glob(f"{UNFINISHED}*") if not path.is_symlink())
    left = [
        Erasable(kind="unfinished plan", path=path, last_used=_modified(path), files=tuple(sorted(path.iterdir())))
        for path in unfinished
        if is_abandoned(path)
    ]
    for erasable in (*plans, *alone, *left):
        if erasable.last_used < limit and not erasable.is_erased:
            yield erasable


def erase(erasable: Erasable, tombstone: Tombstone, *, work_dir: Path, holder: dict[str, Any]) -> None:
    """Remove what *erasable* holds about people. Raise `Locked` while a run changes its service, and `LocalDisk`."""
    with translate_os_errors(erasable.path):
        if erasable.kind == "unfinished plan":
            _remove(erasable.files)
            erasable.path.rmdir()
        elif erasable.target is None:  # the journal is damaged: no run can be at work with it
            _erase(erasable, tombstone)
        else:
            with target_lock(work_dir, erasable.target, run_id=f"forget {erasable.name}", holder=holder):
                _erase(erasable, tombstone)


def _erase(erasable: Erasable, tombstone: Tombstone) -> None:
    write_tombstone(erasable.path, tombstone, plan_id=erasable.plan_id)
    for run in erasable.runs:
        if not run.is_erased:
            _erase(run, tombstone)
    if erasable.kind == "run" and erasable.target is not None:
        # A run that was killed has no audit yet, or that of an earlier start.
        with closing(open_read_only(RunDirectory(erasable.path).journal)) as journal:
            counts = summarise(journal.counts(), journal.header.executable, None).counts
            write_audit(journal, erasable.path, counts=counts)
    _remove(erasable.files)


def _existing(directory: Path, patterns: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(path for pattern in patterns for path in sorted(directory.glob(pattern)))


def _modified(path: Path) -> datetime:
    return max(datetime.fromtimestamp(one.stat().st_mtime, UTC) for one in (path, *path.iterdir()))


def _remove(files: tuple[Path, ...]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
