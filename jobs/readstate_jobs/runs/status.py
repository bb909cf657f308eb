"""``readstate status``: how far exports and runs are, while they run, afterwards, and after a kill."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from readstate.changes.runs.directory import RunDirectory, find_run
from readstate.changes.runs.status import RunStatus, State, status_of
from readstate.errors import ExitCode, Usage
from readstate_jobs.applying.apply_output import RunFacts, run_document, show_counts
from readstate_jobs.cli.options import work_dir_from
from readstate_jobs.output.terminal import print_json, print_line
from readstate_jobs.runs.unfinished import find_unfinished, show_unfinished

Shown = TypeVar("Shown")


class Status(RunFacts, tag="status/1"):
    """Of ``status`` with a RUN."""

    state: State
    epoch: int
    in_doubt: int


_SECONDS_BETWEEN = 2.0


def carry_out(
    *, run: str | None, root: Path, watches: bool, with_exit_code: bool, as_json: bool, **options: Any
) -> int:
    """Carry out ``readstate status`` and return its exit code."""
    if watches and as_json:
        raise Usage("--watch and --json exclude each other; use one of them")
    if run is None and with_exit_code:
        raise Usage("--exit-code needs a RUN", hint="readstate status last --exit-code")
    work_dir = work_dir_from(**options)
    if run is None:
        return _show_all(work_dir, root, watches=watches, as_json=as_json)
    directory = find_run(run, work_dir)
    status = status_of(directory, work_dir)
    if as_json:
        print_json(_document(directory, status))
    elif watches:
        status = watch(lambda: _shown(directory, work_dir), lambda shown: shown.state == "running")
    else:
        _show(directory, status)
    return status.result.exit_code if with_exit_code else ExitCode.DONE


def watch(
    show: Callable[[], Shown], is_running: Callable[[Shown], bool], *, wait: Callable[[float], None] = time.sleep
) -> Shown:
    """Call *show* every few seconds while something runs; on a terminal it shows in the place of what was there."""
    while True:
        if sys.stdout.isatty():
            click.clear()
        shown = show()
        if not is_running(shown):
            return shown
        try:
            wait(_SECONDS_BETWEEN)
        except KeyboardInterrupt:  # who has seen enough ends the watching, not the run
            return shown


def _show_all(work_dir: Path, plans: Path, *, watches: bool, as_json: bool) -> int:
    def shown() -> bool:
        found = find_unfinished(work_dir, plans)
        show_unfinished(found)
        return found.is_running

    if as_json:
        print_json(find_unfinished(work_dir, plans))
    elif watches:
        watch(shown, bool)
    else:
        shown()
    return ExitCode.DONE


def _shown(directory: RunDirectory, work_dir: Path) -> RunStatus:
    status = status_of(directory, work_dir)
    _show(directory, status)
    return status


def _document(directory: RunDirectory, status: RunStatus) -> Status:
    more = {"state": status.state, "epoch": status.epoch, "in_doubt": status.in_doubt}
    return run_document(Status, directory, status.header.plan_id, status.result, **more)


def _show(directory: RunDirectory, status: RunStatus) -> None:
    document = _document(directory, status)
    print_line(f"{directory.run_id}  {status.state}  plan {status.header.plan_id}  start {status.epoch}")
    show_counts(status.result)
    if status.in_doubt:
        print_line(f"{status.in_doubt} rows may have been sent and have no outcome yet")
    if document.next is not None and status.state != "running":
        print_line(f"Next:     {document.next}")
