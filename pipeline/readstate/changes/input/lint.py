"""Check a changes file offline: find every problem in one pass, and stage the lines for planning."""

from collections.abc import Iterator

from msgspec import Struct

from readstate.changes.input.intents import COLUMNS, Intent, IntentParser, Rejected
from readstate.changes.input.staging import SAME_WORDS, DuplicateLine, LineStatus, Staging
from readstate.input.csv_reader import BrokenRecord, Format, ReadOptions, Table
from readstate.input.problems import Problem, problem_at
from readstate.input.source import Source
from readstate.input.table import OnProblem, open_table
from readstate.model.desired import Operation

_NO_OPERATION = problem_at(
    1,
    "E-OP",
    "neither the file nor the command names the operation",
    "Add a column op with update or delete, or use --op update.",
    column="op",
)


class InputOptions(Struct, frozen=True):
    """Options of the command line; None means: as the file says."""

    operation: Operation | None = None
    encoding: str | None = None
    delimiter: str | None = None


class StagedFile(Struct, frozen=True):
    """A file that was read to its end."""

    format: Format
    rows: int
    rejected: int


def stage(source: Source, staging: Staging, options: InputOptions, report: OnProblem) -> StagedFile | None:
    """Read all of *source* into *staging*, and pass every problem to *report*. Return None if its header is unusable.

    Raise `BadInput` for an unknown encoding or delimiter.
    """
    how = ReadOptions(encoding=options.encoding, delimiter=options.delimiter)
    with open_table(source, COLUMNS, how, report) as table:
        if table is None:
            return None
        if options.operation is None and "op" not in table.format.header:
            report(_NO_OPERATION)
            return None
        # Lazily: rows are parsed and checked while SQLite takes them, so that memory does not grow with the file.
        staging.add(_rows(table, options.operation, report))
    for duplicate in staging.find_duplicates(SAME_WORDS):
        report(duplicate_problem(duplicate))
    rows = staging.count()
    if rows == 0:
        report(problem_at(1, "W-NO-ROWS", "the file has no lines of data", "Was it cut off?"))
    return StagedFile(table.format, rows, staging.rejected())


def _rows(table: Table, operation: Operation | None, report: OnProblem) -> Iterator[Intent | Rejected]:
    parser = IntentParser(table.format.header, operation, report)
    digits = _DigitIdentities()
    for record in table.records:
        if isinstance(record, BrokenRecord):
            report(record.problem)
            yield Rejected(record.line, record.problem.line_end, record.problem.code)
            continue
        row = parser.parse(record)
        if isinstance(row, Intent):
            digits.see(row.user)
        yield row
    if digits.look_damaged:
        report(
            problem_at(
                1,
                "W-LEADING-ZEROS",
                "all identities are numbers, and of different lengths",
                "A spreadsheet removes leading zeros: compare with where the file came from.",
                column="user",
            )
        )


class _DigitIdentities:
    """Detects identities that lost leading zeros: all are numbers, and they differ in length."""

    def __init__(self) -> None:
        self._lengths: set[int] = set()
        self._others = False

    def see(self, user: str) -> None:
        if not self._others:
            if user.isdigit():
                self._lengths.add(len(user))
            elif not user.startswith("US"):
                self._others = True

    @property
    def look_damaged(self) -> bool:
        return not self._others and len(self._lengths) > 1


def duplicate_problem(duplicate: DuplicateLine) -> Problem:
    """Return the warning about a line whose membership another line names too."""
    conflict = duplicate.status is LineStatus.CONFLICT
    return problem_at(
        duplicate.line,
        "W-CONFLICT" if conflict else "W-DUP",
        f"{duplicate.detail} of the same membership",
        "None of them will be carried out: keep one." if conflict else "It is carried out once.",
        line_end=duplicate.line_end,
        column="user,conversation",
        value=f"{duplicate.user},{duplicate.conversation}",
    )
