"""Remove the personal data of plans and runs, and keep what an auditor needs: manifest, digests, counts, outcomes.

Nothing of a service is forgotten while a run changes it. The note goes first: a kill in the middle leaves something
that counts as forgotten, and the same command goes on with it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from readstate.changes.plans.reader import read_header
from readstate.changes.plans.tombstone import Forgotten, write_note
from readstate.changes.plans.writer import MANIFEST, PARTICIPANTS, REJECTS, ROWS_FILE, UNFINISHED, is_abandoned
from readstate.changes.runs.directory import RunDirectory, runs_root, target_lock
from readstate.changes.runs.journal import RunHeader, look_into
from readstate.changes.runs.row_record import INTENT
from readstate.errors import LocalDisk
from readstate.model.outcome import Outcome
from readstate.model.plan import PlanHeader, Target

_OF_A_PLAN = (ROWS_FILE, REJECTS, PARTICIPANTS, "summary.txt", "summary.md", "summary.json", "summary.html")
_OF_A_RUN = (
    "results.parquet",
    "results.csv",
    "failed.csv",
    "drifted.csv",
    "unknown.csv",
    "work.sqlite",
    ".*.unfinished",
)
_OF_A_ROW = (
    "before_index", "before_timestamp", "before_level", "sent_index", "sent_timestamp", "sent_level", "observed_index",
    "observed_timestamp", "observed_level", "observed_at", "reason_detail", "twilio_message", "request_id",
)  # fmt: skip
"""What the journal tells about somebody; a row's number alone leads to nobody once its plan is forgotten."""


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run that can be forgotten."""

    directory: RunDirectory
    header: RunHeader
    last_used: datetime
    applied: int
    """Rows that it changed, and that nobody can take back or verify any more once it is forgotten."""
    in_doubt: int
    """Rows whose outcome nobody can find out any more then."""

    @property
    def name(self) -> str:
        """How people name it."""
        return self.directory.run_id

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.directory.path

    @property
    def target(self) -> Target:
        """What it changed."""
        header = self.header
        return Target(account_sid=header.account_sid, service_sid=header.service_sid, base_url=header.base_url)

    @property
    def files(self) -> list[Path]:
        """The files that go."""
        return _found(self.path, _OF_A_RUN)

    @property
    def kept(self) -> str:
        """What stays, in words."""
        return "journal.sqlite with the outcome of each numbered row, audit.jsonl"


@dataclass(frozen=True, slots=True)
class OldPlan:
    """A plan that can be forgotten, with the runs that were begun with it: they are about the same people."""

    path: Path
    manifest: PlanHeader
    runs: tuple[OldRun, ...]

    @property
    def name(self) -> str:
        """How people name it."""
        return self.manifest.plan_id

    @property
    def last_used(self) -> datetime:
        """When it was made, or when a run of it was last at work."""
        return max([self.manifest.created_at, *(run.last_used for run in self.runs)])

    @property
    def target(self) -> Target:
        """What it would change."""
        return self.manifest.target

    @property
    def files(self) -> list[Path]:
        """The files that go, without those of its runs."""
        return _found(self.path, _OF_A_PLAN)

    @property
    def kept(self) -> str:
        """What stays, in words."""
        return f"{MANIFEST} with counts and digests"


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What a killed `readstate plan` has left: all of it goes."""

    path: Path
    last_used: datetime

    @property
    def files(self) -> list[Path]:
        """The files that go."""
        return sorted(self.path.iterdir())


Old = OldPlan | OldRun | Leftovers


def look_at_plan(directory: Path, work_dir: Path) -> OldPlan:
    """What there is to forget of the plan in *directory*. Raises `BadInput`, `PlanUnusable`, `LocalDisk`."""
    manifest = read_header(directory)
    return OldPlan(directory, manifest, tuple(run for run in _runs(work_dir) if run.header.plan_id == manifest.plan_id))


def look_at_run(directory: RunDirectory) -> OldRun:
    """What there is to forget of the run in *directory*. Raises `BadInput`, `LocalDisk`."""
    with closing(look_into(directory.journal)) as journal:
        counts = journal.counts()
        told = [datetime.fromisoformat(event["at"]) for event in journal.events()]
        return OldRun(
            directory,
            journal.header,
            last_used=max([journal.header.started_at, *told]),
            applied=counts.get(Outcome.APPLIED, 0),
            in_doubt=counts.get(INTENT, 0) + counts.get(Outcome.UNKNOWN, 0),
        )


def unused_since(limit: datetime, *, plans_root: Path, work_dir: Path) -> Iterator[Old]:
    """All that was last used before *limit* and has something to forget: plans, then runs whose plans lie elsewhere.

    Raises `PlanUnusable`, `LocalDisk`.
    """
    manifests = sorted(plans_root.glob(f"p-*/{MANIFEST}"))
    plans = [look_at_plan(path.parent, work_dir) for path in manifests]
    in_plans = {run.path for plan in plans for run in plan.runs}
    alone = [run for run in _runs(work_dir) if run.path not in in_plans]
    # A link leads to what is not ours to empty.
    unfinished = sorted(path for path in plans_root.glob(f"{UNFINISHED}*") if not path.is_symlink())
    left = [Leftovers(path, _modified(path)) for path in unfinished if is_abandoned(path)]
    everything: list[Old] = [*plans, *alone, *left]
    for old in everything:
        if old.last_used < limit and has_something(old):
            yield old


def has_something(old: Old) -> bool:
    """Whether anything of *old* would go."""
    match old:
        case OldPlan():
            return bool(old.files) or any(map(has_something, old.runs))
        case OldRun():
            return bool(old.files) or _is_telling(old.directory.journal)
        case Leftovers():
            return True


def forget(old: Old, note: Forgotten, *, work_dir: Path, holder: dict[str, Any]) -> None:
    """Remove what *old* knows about people. Raises `Locked` while a run changes its service, and `LocalDisk`."""
    match old:
        case Leftovers():
            with _disk(old.path):
                _remove(old.files)
                old.path.rmdir()
        case OldPlan() | OldRun():
            with target_lock(work_dir, old.target, run_id=f"forget {old.name}", holder=holder), _disk(old.path):
                _forget(old, note)


def _forget(old: OldPlan | OldRun, note: Forgotten) -> None:
    write_note(old.path, note)
    match old:
        case OldPlan(runs=runs):
            for run in runs:
                _forget(run, note)
        case OldRun():
            _empty(old.directory.journal)
    _remove(old.files)


def _empty(journal: Path) -> None:
    """Overwrite what *journal* tells about people, also in the pages that SQLite no longer uses."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA secure_delete = ON")
        nothing = ", ".join(f"{name} = NULL" for name in _OF_A_ROW)
        connection.execute(f"UPDATE row SET {nothing}")  # noqa: S608 - our own column names
        connection.execute("UPDATE attempt SET request_id = NULL")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _is_telling(journal: Path) -> bool:
    something = " OR ".join(f"{name} IS NOT NULL" for name in _OF_A_ROW)
    query = f"SELECT EXISTS (SELECT 1 FROM row WHERE {something})"  # noqa: S608 - our own column names
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
        return bool(connection.execute(query).fetchone()[0])


def _runs(work_dir: Path) -> Iterator[OldRun]:
    for path in sorted(runs_root(work_dir).glob("r-*")):
        if (directory := RunDirectory(path)).journal.is_file():
            yield look_at_run(directory)


def _found(directory: Path, names: tuple[str, ...]) -> list[Path]:
    return sorted(path for name in names for path in directory.glob(name))


def _modified(path: Path) -> datetime:
    return max(datetime.fromtimestamp(one.stat().st_mtime, UTC) for one in (path, *path.iterdir()))


def _remove(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise LocalDisk(f"{path}: {error}", hint="It counts as forgotten already; type it again.") from error
