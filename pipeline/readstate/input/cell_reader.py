"""Read the cells of records, one after the other; every problem is reported, and the first error remembered."""

from collections.abc import Callable
from typing import TypeVar

from readstate.input import cells
from readstate.input.cells import BadCell
from readstate.input.csv_reader import Record
from readstate.input.problems import problem_at
from readstate.input.table import OnProblem

Value = TypeVar("Value")


class CellReader:
    """Reads the cells of one record at a time."""

    __slots__ = ("_record", "_report", "first_error")

    def __init__(self, report: OnProblem) -> None:
        self._record = Record(0, 0, [])
        self._report = report
        self.first_error: str | None = None

    def begin(self, record: Record) -> "CellReader":
        """Start with the next *record*; one object serves all of them, for speed."""
        self._record = record
        self.first_error = None
        return self

    @property
    def line(self) -> int:
        return self._record.line

    def read(self, column: str, text: str, parse: Callable[[str], Value]) -> Value | None:
        """Return what *parse* makes of *text*; None where it refuses."""
        try:
            value = parse(text)
        except BadCell as bad:
            self.fail(column, text, bad)
            return None
        if not text.isascii():
            for code, message, hint in cells.doubts_about(text):
                self.report(column, text, code, message, hint)
        return value

    def read_optional(self, column: str, text: str, parse: Callable[[str], Value]) -> Value | None:
        return self.read(column, text, parse) if text else None

    def fail(self, column: str, text: str, bad: BadCell) -> None:
        self.first_error = self.first_error or bad.code
        self.report(column, text, bad.code, bad.message, bad.hint)

    def report(self, column: str, text: str, code: str, message: str, hint: str) -> None:
        record = self._record
        self._report(problem_at(record.line, code, message, hint, line_end=record.line_end, column=column, value=text))
