"""Carries out a forgetting: finds what is meant, says what goes and what stays, asks, removes."""

import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from readstate.changes.plans.reader import find_plan
from readstate.changes.plans.tombstone import Forgotten
from readstate.changes.review.retention import (
    Leftovers,
    Old,
    OldPlan,
    OldRun,
    forget,
    has_something,
    look_at_plan,
    look_at_run,
    unused_since,
)
from readstate.changes.runs.directory import find_run
from readstate.clock import SystemClock
from readstate.errors import BadInput, ConsentMissing, ExitCode, Locked
from readstate.text import format_size, group_digits, pluralize
from readstate_jobs.cli.caller import os_user
from readstate_jobs.cli.terminal import print_json, printable_lines


def find_named(names: Sequence[str], root: Path, work_dir: Path) -> list[Old]:
    """What *names* mean, each a plan or a run, without what is forgotten already. Raises `BadInput`."""
    found = [_find(name, root, work_dir) for name in dict.fromkeys(names)]
    return [old for old in found if has_something(old)]


def find_unused(seconds: float, root: Path, work_dir: Path) -> list[Old]:
    """All plans, runs and leftovers that were not used for so long."""
    limit = SystemClock().now() - timedelta(seconds=seconds)
    return list(unused_since(limit, plans_root=root, work_dir=work_dir))


def _find(name: str, root: Path, work_dir: Path) -> Old:
    try:
        return look_at_plan(find_plan(name, root), work_dir)
    except BadInput as no_plan:
        try:
            return look_at_run(find_run(name, work_dir))
        except BadInput as no_run:
            raise BadInput(f"there is neither a plan nor a run {name}", hint=no_run.hint) from no_plan


def show_old(found: Sequence[Old]) -> None:
    """Print what goes, what stays, and what cannot be done afterwards."""
    if not found:
        click.echo("There is nothing to forget.")
    for old in found:
        _show(old)


def _show(old: Old) -> None:
    match old:
        case OldPlan(manifest=manifest):
            made = f"made {manifest.created_at:%Y-%m-%d %H:%M} UTC by {manifest.planner.os_user}"
            _tell(f"plan {old.name}  {pluralize(manifest.rows, 'row')}, {made}", old)
            for run in old.runs:
                _show(run)
        case OldRun():
            _tell(f"run {old.name}  of plan {old.header.plan_id}, last at work {old.last_used:%Y-%m-%d %H:%M} UTC", old)
            if old.applied:
                click.echo(f"  {pluralize(old.applied, 'row')} that it changed can no longer be undone or verified")
            if old.in_doubt:
                click.echo(f"  the outcome of {pluralize(old.in_doubt, 'row')} in doubt can no longer be found out")
        case Leftovers():
            click.echo(printable_lines(f"{old.path}  left behind by a planning that was killed: all of it goes"))


def _tell(title: str, old: OldPlan | OldRun) -> None:
    files = old.files
    names = ", ".join(file.name for file in files) or "nothing"
    goes = f"{names} ({format_size(_bytes(files))}){_values(old)}"
    click.echo(printable_lines(f"{title}\n  goes   {goes}\n  stays  {old.kept}"))


def _values(old: OldPlan | OldRun) -> str:
    return ", and what each row was and became" if isinstance(old, OldRun) else ""


def agreed(found: Sequence[Old], *, yes: bool) -> None:
    """Make sure that somebody agrees. Raises `ConsentMissing` where nobody is there to be asked."""
    if not found or yes:
        return
    what = pluralize(len(found), "plan or run") if len(found) == 1 else f"{group_digits(len(found))} plans and runs"
    if not sys.stdin.isatty():
        raise ConsentMissing(f"{what} would be forgotten", hint="Nothing was removed. To do it, add --yes.")
    click.confirm(f"Forget {what} for good?", abort=True, err=True)


@dataclass(slots=True)
class Result:
    """What was forgotten, and what was not because a run is under way."""

    forgotten: list[dict[str, Any]] = field(default_factory=list)
    locked: list[Locked] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ForgetJob:
    """Forgets, below one folder of work."""

    work_dir: Path

    def forget(self, found: Sequence[Old]) -> Result:
        """Forget all that was *found*, but what a run is at. Raises `LocalDisk`."""
        result, me = Result(), {"os_user": os_user(), "host": socket.gethostname()}
        note = Forgotten(at=SystemClock().now(), **me)
        for old in found:
            document = _document(old)
            try:
                forget(old, note, work_dir=self.work_dir, holder=me)
            except Locked as locked:
                result.locked.append(locked)
            else:
                result.forgotten.append(document)
        return result


def show_forgotten(result: Result, *, as_json: bool) -> int:
    """Print what was done and give the exit code. Raises `Locked` where something was left alone."""
    code = ExitCode.LOCKED if result.locked else ExitCode.DONE
    if as_json:
        locked = [one.message for one in result.locked]
        print_json({"forgotten": result.forgotten, "locked": locked, "exit_code": int(code)})
    else:
        for done in result.forgotten:
            click.echo(printable_lines(f"Forgotten: {done['path']}"))
    if result.locked:
        raise result.locked[0]
    return code


def _document(old: Old) -> dict[str, Any]:
    files = old.files
    common: dict[str, Any] = {
        "path": str(old.path), "removed": [file.name for file in files], "bytes": _bytes(files),
    }  # fmt: skip
    match old:
        case OldPlan():
            runs = [_document(run) for run in old.runs]
            return {"kind": "plan", "plan_id": old.name} | common | {"kept": old.kept, "runs": runs}
        case OldRun():
            facts = {"applied": old.applied, "in_doubt": old.in_doubt, "kept": old.kept}
            return {"kind": "run", "run_id": old.name, "plan_id": old.header.plan_id} | common | facts
        case Leftovers():
            return {"kind": "unfinished plan"} | common


def _bytes(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files)
