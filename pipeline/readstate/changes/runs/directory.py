"""Where runs are kept on disk, and how one is found."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from readstate.changes.plans.reader import Plan, open_plan
from readstate.changes.plans.tombstone import TOMBSTONE, read_tombstone, require_not_erased
from readstate.changes.runs.journal import Journal, create_journal, open_read_only
from readstate.changes.runs.journal_entries import RunHeader
from readstate.disk.files import create_private_folder, require_unshared, translate_os_errors
from readstate.errors import BadInput, Damaged, LocalDisk, PlanUnusable
from readstate.model.ids import kind_of_id

SMALLEST_FREE_BYTES = 200_000_000
"""With less on the disk, nothing more is sent: its intent might not be kept."""

_TIME = "%Y%m%dT%H%M%SZ"


class RunDirectory(Struct, frozen=True):
    """The paths of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def began_at(self) -> str:
        """The time in its id, which sorts as times do."""
        return self.run_id[2:18]

    @property
    def journal(self) -> Path:
        """The SQLite file that holds all that is known of the run."""
        return self.path / "journal.sqlite"

    @property
    def work(self) -> Path:
        """The queue of unfinished rows; every start fills it anew."""
        return self.path / "work.sqlite"

    @property
    def pause(self) -> Path:
        """While this file exists, no row is begun."""
        return self.path / "PAUSE"

    @property
    def stop(self) -> Path:
        """Once this file exists, the run stops."""
        return self.path / "STOP"

    def exists(self) -> bool:
        """Return whether there is a run here, or the tombstone of one that was erased. Raise `LocalDisk`."""
        with translate_os_errors(self.path):
            return self.journal.is_file() or (self.path / TOMBSTONE).is_file()

    def free_bytes(self) -> int:
        """Return the free bytes of the disk. Raise `LocalDisk`."""
        with translate_os_errors(self.path):
            return shutil.disk_usage(self.path).free

    def require_free_space(self) -> None:
        """Raise `LocalDisk` where too little of the disk is free."""
        if (free := self.free_bytes()) < SMALLEST_FREE_BYTES:
            raise LocalDisk(
                f"{self.path}: {free // 1_000_000} MB free, and a run needs {SMALLEST_FREE_BYTES // 1_000_000} MB",
                hint="Nothing is sent before its intent is on disk. Free some space, then:"
                f"  readstate resume {self.run_id}",
            )


def runs_root(work_dir: Path) -> Path:
    """Return the folder of all runs."""
    return work_dir / "runs"


def name_run(now: datetime) -> str:
    """Return an id that no other run has; ids sort by the time of their runs."""
    fraction = now.microsecond * 256 // 1_000_000
    return f"r-{now:{_TIME}}-{fraction:02x}{secrets.token_hex(1)}"


def begin_run(work_dir: Path, header: RunHeader) -> tuple[RunDirectory, Journal]:
    """Create the directory of a new run and its journal, readable by their owner alone; both or neither.

    Raise `LocalDisk`.
    """
    run = create_run(work_dir, header.run_id)
    try:
        return run, create_journal(run.journal, header)
    except LocalDisk:
        with suppress(OSError):
            run.path.rmdir()
        raise


def create_run(work_dir: Path, run_id: str) -> RunDirectory:
    """Create the directory of a new run, readable by its owner alone. Raise `LocalDisk`."""
    path = runs_root(work_dir).absolute() / run_id
    require_unshared(work_dir, path.parent)
    with translate_os_errors(path, hint="Choose a folder that you may write to with --work-dir."):
        create_private_folder(path.parent)
        path.mkdir(mode=0o700)
    return RunDirectory(path)


def find_run(name: str, work_dir: Path) -> RunDirectory:
    """Return the run *name*: a directory, an id, or ``last``. Raise `BadInput`."""
    if name == "last" and (runs := list(runs_in(work_dir))):
        return runs[-1]
    for candidate in (Path(name), runs_root(work_dir) / name):
        if candidate.is_dir() and (run := RunDirectory(candidate.resolve())).exists():
            return run
    if kind_of_id(name) == "plan":
        raise BadInput(f"{name} is a plan, not a run", hint=f"To see it:  readstate show {name}")
    known = [run.run_id for run in runs_in(work_dir)]
    raise BadInput(
        f"there is no run {name}",
        hint=(f"The last runs: {', '.join(known[-3:])}" if known else f"No run was started in {runs_root(work_dir)}.")
        + "\nThose of another work folder need its --work-dir; an export is shown by its root:  readstate report ROOT",
    )


def names_run(name: str, work_dir: Path) -> bool:
    """Return whether *name* is the name of a run: ``last``, an id, or a directory with a journal."""
    if name == "last" or kind_of_id(name) == "run":
        return True
    return any(RunDirectory(place).exists() for place in (Path(name), runs_root(work_dir) / name))


def require_unused_plan(plan_id: str, created_at: datetime, work_dir: Path) -> None:
    """Raise `PlanUnusable` for a plan that a run was begun with: that run can be resumed, the plan not begun again.

    The plan was made at *created_at*. A run that was begun later, and of which it cannot be found out any more with
    which plan, may have been begun with this one.
    """
    for run in runs_in(work_dir):
        plan_of_run = _plan_of(run)
        if plan_of_run == plan_id:
            require_not_erased(run.path)
            with closing(open_read_only(run.journal)) as journal:
                state, _ = journal.final_state()
            verb = "was carried out" if state == "finished" else "was started"
            raise PlanUnusable(
                f"plan {plan_id} {verb} by run {run.run_id}",
                hint=f"To resume it, or to retry failed rows:  readstate resume {run.run_id}\nOr plan again.",
            )
        if plan_of_run is None and run.began_at >= f"{created_at:{_TIME}}":
            raise PlanUnusable(
                f"plan {plan_id} may have been started by run {run.run_id}, whose journal is damaged or erased",
                hint="Plan the same file again: rows that were changed already are planned as noop.",
            )


def run_of(plan_id: str, work_dir: Path) -> RunDirectory | None:
    """Return the run that was begun with the plan, or None."""
    return next((run for run in runs_in(work_dir) if _plan_of(run) == plan_id), None)


def _plan_of(run: RunDirectory) -> str | None:
    """Return the id of the plan that *run* was begun with; None where that is not known any more."""
    if not run.journal.is_file():
        tombstone = read_tombstone(run.path)
        return None if tombstone is None else tombstone.plan_id
    try:
        with closing(open_read_only(run.journal)) as journal:
            return journal.header.plan_id
    except Damaged:
        return None


def open_plan_of(directory: RunDirectory) -> tuple[Plan, RunHeader]:
    """Open the plan that the run in *directory* was begun with. Raise `BadInput`, `PlanUnusable`."""
    require_not_erased(directory.path)
    with closing(open_read_only(directory.journal)) as journal:
        header = journal.header
    plan = open_plan(Path(header.plan_dir))
    if plan.manifest.rows_sha256 != header.rows_sha256:
        raise PlanUnusable(
            f"{header.plan_dir} is not the plan that run {header.run_id} was started with",
            hint="Put that plan back, or plan again.",
        )
    return plan, header


def runs_in(work_dir: Path) -> Iterator[RunDirectory]:
    """Yield all runs, oldest first, also those that were erased."""
    root = runs_root(work_dir)
    if root.is_dir():
        for path in sorted(root.iterdir()):
            if kind_of_id(path.name) == "run" and (run := RunDirectory(path)).exists():
                yield run
