"""``readstate forget``: erase the personal data of plans and runs."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from readstate.changes.plans.reader import find_plan
from readstate.changes.plans.tombstone import Tombstone
from readstate.changes.review.retention import Erasable, erase, inspect_plan, inspect_run, unused_since
from readstate.changes.runs.directory import find_run
from readstate.clock import SystemClock
from readstate.errors import BadInput, ExitCode, LocalDisk, Locked, Usage
from readstate.model.quantities import parse_duration
from readstate.text import format_size, group_digits, pluralize
from readstate_jobs.cli.caller import os_user
from readstate_jobs.cli.options import (
    work_dir_from,
)
from readstate_jobs.output.messages import escape_lines, require_confirmation
from readstate_jobs.output.terminal import Document, print_json


class Forgotten(Document, tag="forgotten/1"):
    """Of ``forget``."""

    forgotten: list[dict[str, Any]]
    locked: list[str]
    exit_code: int


def carry_out(
    *, names: tuple[str, ...], retain: str | None, root: Path, yes: bool, as_json: bool, **options: Any
) -> int:
    """Carry out ``readstate forget`` and return its exit code."""
    if bool(names) == (retain is not None):
        raise Usage("name plans or runs, or use --retain", hint="For example:  readstate forget --retain 30d")
    runs = work_dir_from(**options)
    with _run_again():
        if retain is None:
            found = [erasable for name in dict.fromkeys(names) if not (erasable := _find(name, root, runs)).is_erased]
        else:
            limit = SystemClock().now() - timedelta(seconds=_parse_age(retain))
            found = list(unused_since(limit, plans_root=root, work_dir=runs))
    if not as_json:
        _show(found)
    if found and not yes:
        what = "1 plan or run" if len(found) == 1 else f"{group_digits(len(found))} plans and runs"
        require_confirmation(what, verb="Forget", done="forgotten")
    with _run_again():
        return _erase(found, runs, as_json=as_json)


@contextmanager
def _run_again() -> Iterator[None]:
    """Name this command as the next step where the disk refuses: the hints of a journal name ``resume``."""
    try:
        yield
    except LocalDisk as error:
        hint = "Not all of it is deleted yet. When the disk works again, run the same command again."
        raise LocalDisk(error.message, hint=hint) from error


def _parse_age(text: str) -> float:
    """Return the seconds in *text*, which must name its unit: 30 that was meant as days would delete nearly all."""
    if text.isdecimal():
        raise Usage(f"--retain {text}: seconds, hours or days?", hint=f"Add the unit:  --retain {text}d")
    return parse_duration(text)


def _find(name: str, root: Path, work_dir: Path) -> Erasable:
    if name == "last":  # the run: erasing a plan erases its runs too
        return inspect_run(find_run(name, work_dir))
    try:
        return inspect_plan(find_plan(name, root), work_dir)
    except BadInput as no_plan:
        try:
            return inspect_run(find_run(name, work_dir))
        except BadInput as no_run:
            raise BadInput(f"there is neither a plan nor a run {name}", hint=no_run.hint) from no_plan


def _show(found: Sequence[Erasable]) -> None:
    """Print what goes, what stays, and what cannot be done afterwards."""
    if not found:
        click.echo("There is nothing to delete.")
    for erasable in found:
        if erasable.kind == "unfinished plan":
            click.echo(escape_lines(f"{erasable.path}  left behind by a killed readstate plan: all of it goes"))
            continue
        files = ", ".join(file.name for file in erasable.files) or "nothing"
        lines = (
            f"{erasable.kind} {erasable.name}  {erasable.description}",
            f"  goes   {files} ({format_size(_bytes(erasable.files))})",
            f"  stays  {erasable.kept}",
        )
        click.echo(escape_lines("\n".join(lines)))
        if erasable.applied:
            click.echo(f"  {pluralize(erasable.applied, 'changed row')} can no longer be undone or verified")
        if erasable.in_doubt:
            click.echo(f"  {pluralize(erasable.in_doubt, 'row')} of unknown outcome can no longer be resolved")
        if erasable.runs:
            _show([run for run in erasable.runs if not run.is_erased])


def _erase(found: Sequence[Erasable], work_dir: Path, *, as_json: bool) -> int:
    """Erase all of *found*, but what a run is at work on; print what was done. Raise `Locked` and `LocalDisk`."""
    me = {"os_user": os_user(), "host": socket.gethostname()}
    tombstone = Tombstone(at=SystemClock().now(), **me)
    erased: list[dict[str, Any]] = []
    locked: list[Locked] = []
    for erasable in found:
        document = _document(erasable)
        try:
            erase(erasable, tombstone, work_dir=work_dir, holder=me)
        except Locked as error:
            locked.append(error)
        else:
            erased.append(document)
    code = ExitCode.LOCKED if locked else ExitCode.DONE
    if as_json:
        print_json(Forgotten(forgotten=erased, locked=[error.message for error in locked], exit_code=code))
    else:
        for document in erased:
            click.echo(escape_lines(f"Forgotten: {document['path']}"))
    if locked:
        raise locked[0]
    return code


def _document(erasable: Erasable) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": erasable.kind,
        "path": str(erasable.path),
        "removed": [file.name for file in erasable.files],
        "bytes": _bytes(erasable.files),
    }
    if erasable.kind == "unfinished plan":
        return document
    document |= {"plan_id": erasable.plan_id, "kept": erasable.kept}
    if erasable.kind == "plan":
        return document | {"runs": [_document(run) for run in erasable.runs]}
    return document | {"run_id": erasable.name, "applied": erasable.applied, "in_doubt": erasable.in_doubt}


def _bytes(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files)
