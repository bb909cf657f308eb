"""``readstate verify``: read back what a run has changed; reads only."""

from pathlib import Path
from typing import Any

import msgspec

from readstate.changes.rules.preconditions import RowState
from readstate.changes.runs.directory import find_run, open_plan_of
from readstate.text import group_digits
from readstate_jobs.applying.apply_options import parse_share
from readstate_jobs.cli.account import credentials_of
from readstate_jobs.cli.options import settings_from
from readstate_jobs.output.terminal import Document, print_json, print_line, print_table
from readstate_jobs.runs.read_only_job import ReadOnlyJob


class Difference(msgspec.Struct, frozen=True):
    """A row that does not stand where the run has put it."""

    plan_row_id: int
    user_sid: str
    conversation_sid: str
    standing: RowState


class Verification(Document, tag="verification/1"):
    """Of ``verify``."""

    run_id: str
    run_dir: str
    checked: int
    counts: dict[RowState, int]
    differences: list[Difference]
    exit_code: int


def carry_out(*, run: str, sample: str, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate verify`` and return its exit code."""
    share = parse_share(sample, "--sample")
    effective = settings_from(options)
    settings = effective.settings
    directory = find_run(run, Path(settings.work_dir))
    plan, _ = open_plan_of(directory)
    verified = ReadOnlyJob(settings, credentials_of(effective)).verify(directory, plan, share=share)
    counts = dict(sorted(verified.counts.items()))
    differences = [
        Difference(row.plan_row_id, row.user_sid or "", row.conversation_sid or "", where)
        for row, where in verified.differences
    ]
    if as_json:
        print_json(
            Verification(
                run_id=directory.run_id,
                run_dir=str(directory.path),
                checked=sum(counts.values()),
                counts=counts,
                differences=differences,
                exit_code=verified.exit_code,
            )
        )
        return verified.exit_code
    rows = [[name.replace("_", " "), group_digits(number)] for name, number in counts.items()]
    print_table(rows or [["nothing to read", "0"]], header=["now", "rows"])
    for found in differences:
        print_line(f"{found.user_sid} {found.conversation_sid}: {found.standing.replace('_', ' ')}")
    return verified.exit_code
