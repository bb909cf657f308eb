"""Changes files as input of commands: options, reading, and the display of problems."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from readstate.changes.input.lint import InputOptions, StagedFile, stage
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.disk.files import scratch_folder
from readstate.input.problems import Problem, ProblemTally, RejectsFile
from readstate.input.source import Source, open_source
from readstate.model.desired import Operation
from readstate.text import group_digits
from readstate_jobs.output.terminal import Document, print_line, print_table


def pop_input_options(options: dict[str, Any]) -> InputOptions:
    """Remove from *options* how a changes file is to be read, and return it."""
    operation = options.pop("op")
    return InputOptions(
        operation=None if operation is None else Operation(operation),
        encoding=options.pop("encoding"),
        delimiter=options.pop("delimiter"),
    )


class Problems(Document):
    """The problems of a changes file: all by code, and the first few of them."""

    errors: int
    warnings: int
    by_code: dict[str, int]
    first: list[Problem]


class CheckedFile(Struct, frozen=True):
    """A changes file that was read to its end."""

    source: Source
    workspace: PlanWorkspace
    staged: StagedFile | None
    """None where the header could not be used."""
    report: RejectsFile
    rejects: Path
    """Holds every problem; gone when the block ends."""

    @property
    def problems(self) -> ProblemTally:
        return self.report.tally


@contextmanager
def checked_input(file: str, options: InputOptions) -> Iterator[CheckedFile]:
    """Read all of *file* (``-`` is standard input); temporary files are deleted when the block ends."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        source = open_source(file, spool=folder)
        workspace = PlanWorkspace(folder)
        stack.callback(workspace.close)
        rejects = folder / "rejects.csv"
        report = stack.enter_context(closing(RejectsFile(rejects)))
        staged = stage(source, workspace.staging, options, report)
        yield CheckedFile(source, workspace, staged, report, rejects)


def print_problems(problems: ProblemTally) -> None:
    """Write a table of all problems by code, and the first few of them."""
    print_table(
        [[code, group_digits(number)] for code, number in sorted(problems.by_code.items())], header=["code", "lines"]
    )
    for problem in problems.first:
        print_line(str(problem))
        print_line(f"    {problem.hint}")
    if (more := problems.by_code.total() - len(problems.first)) > 0:
        click.echo(f"and {group_digits(more)} more")
    click.echo()


def problem_fields(problems: ProblemTally) -> dict[str, Any]:
    """Return the fields of `Problems`."""
    by_code = dict(sorted(problems.by_code.items()))
    return {"errors": problems.errors, "warnings": problems.warnings, "by_code": by_code, "first": problems.first}
