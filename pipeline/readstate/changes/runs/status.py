"""How far a run is, read from its journal alone."""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from readstate.changes.runs.directory import RunDirectory
from readstate.changes.runs.journal import open_read_only
from readstate.changes.runs.journal_entries import RunHeader
from readstate.changes.runs.lock import lock_holder
from readstate.changes.runs.result import RunResult, summarise
from readstate.changes.runs.row_record import INTENT
from readstate.errors import ExitCode
from readstate.model.outcome import Outcome
from readstate.stop import StopReason

State = Literal["running", "finished", "stopped", "killed"]


class RunStatus(Struct, frozen=True):
    """One run at one moment."""

    header: RunHeader
    state: State
    """``killed``: it is not running, and its end was not recorded."""
    epoch: int
    in_doubt: int
    """Rows that may have been sent and have no outcome."""
    result: RunResult
    """As if the run had ended now."""


def status_of(directory: RunDirectory, work_dir: Path) -> RunStatus:
    """Return the status of the run in *directory* without disturbing it. Raise `BadInput`, `LocalDisk`."""
    journal = open_read_only(directory.journal)
    try:
        header, counts, (recorded, exit_code) = journal.header, journal.counts(), journal.final_state()
        epoch = journal.epoch
    finally:
        journal.close()
    is_running = lock_holder(work_dir, header.target) == header.run_id
    state: State = "running" if is_running else "finished" if recorded == "finished" else "stopped"
    if recorded == "running" and not is_running:
        state = "killed"
    stopped = {
        "running": StopReason("the run is under way", ExitCode.STOPPED_EARLY),
        "killed": StopReason("the run was killed", ExitCode.STOPPED_EARLY),
        "stopped": StopReason("the run was stopped", ExitCode(exit_code or ExitCode.STOPPED_EARLY)),
        "finished": None,
    }[state]
    in_doubt = counts.get(INTENT, 0) + counts.get(Outcome.UNKNOWN, 0)
    return RunStatus(header, state, epoch, in_doubt, summarise(counts, header.executable, stopped))
