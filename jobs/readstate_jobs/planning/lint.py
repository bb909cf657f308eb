"""``readstate lint``: check a changes file without Twilio and without credentials."""

from pathlib import Path
from typing import Any

from readstate.disk.files import copy_output
from readstate.errors import ExitCode
from readstate.text import pluralize
from readstate_jobs.output.terminal import print_json, print_line
from readstate_jobs.planning.changes_input import (
    Problems,
    checked_input,
    pop_input_options,
    print_problems,
    problem_fields,
)


class Lint(Problems, tag="lint/1"):
    """Of ``lint``."""

    file: str
    sha256: str
    rows: int
    rejects: str | None


def carry_out(*, file: str, rejects: Path | None, as_json: bool, **options: Any) -> int:
    """Carry out ``readstate lint`` and return its exit code."""
    with checked_input(file, pop_input_options(options)) as checked:
        problems, staged = checked.problems, checked.staged
        checked.report.flush()
        written = copy_output(checked.rejects, rejects or _beside(file)) if problems.by_code else None
        rows = staged.rows if staged else 0
        if as_json:
            print_json(
                Lint(
                    file=checked.source.name,
                    sha256=checked.source.sha256,
                    rows=rows,
                    **problem_fields(problems),
                    rejects=str(written) if written else None,
                )
            )
        else:
            form = f"{staged.format}, " if staged else ""
            print_line(
                f"{checked.source.name}: {form}{pluralize(rows, 'row')},"
                f" {pluralize(problems.errors, 'error')}, {pluralize(problems.warnings, 'warning')}"
            )
            if written:
                print_problems(problems)
                print_line(f"All of them, line by line: {written}")
    return ExitCode.BAD_INPUT if problems.errors else ExitCode.DONE


def _beside(file: str) -> Path:
    return Path("stdin.rejects.csv" if file == "-" else f"{Path(file).name}.rejects.csv")
