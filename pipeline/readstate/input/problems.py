"""Problems of a file: counted, and listed in ``rejects.csv`` for a person with a spreadsheet."""

import csv
import io
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import Struct, field

from readstate.disk.files import MORE_ROOM, create_private, translate_os_errors
from readstate.text import escape_control, escape_formula, truncate

SHOWN_FIRST = 10
REJECT_COLUMNS = ("input_line", "input_line_end", "column", "value_redacted", "code", "message", "hint")
_LONGEST_VALUE = 40


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong at one place of the file; `problem_at` makes it."""

    code: str
    """Begins with ``E-`` (error: the line cannot be used) or ``W-`` (warning)."""
    message: str
    hint: str
    line: int
    line_end: int
    column: str
    value: str
    """Shortened, with invisible characters escaped."""

    @property
    def is_error(self) -> bool:
        return self.code.startswith("E-")

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", {self.column}" if self.column else "")
        value = f" '{self.value}'" if self.value else ""
        return f"{place}{value}: {self.message} ({self.code})"


def problem_at(
    line: int,
    code: str,
    message: str,
    hint: str,
    *,
    line_end: int | None = None,
    column: str = "",
    value: str = "",
) -> Problem:
    """Return the problem of *line*, or of the lines up to *line_end*; *column* and *value* may be text of the file."""
    return Problem(
        code=code,
        message=message,
        hint=hint,
        line=line,
        line_end=line if line_end is None else line_end,
        column=shortened(column),
        value=shortened(value),
    )


def shortened(text: str) -> str:
    """Return *text* with escapes for what is invisible, and no longer than a table can bear."""
    return escape_control(truncate(text, _LONGEST_VALUE))


class ProblemTally(Struct):
    """Counts problems by code and keeps the first few; its size does not grow with the file."""

    shown: int = SHOWN_FIRST
    """How many are kept."""
    by_code: Counter[str] = field(default_factory=Counter)
    first: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        self.by_code[problem.code] += 1
        if len(self.first) < self.shown:
            self.first.append(problem)
        elif problem.is_error and (warning := self._last_warning()) is not None:
            # Thousands of warnings at the top of a file must not hide its errors.
            del self.first[warning]
            self.first.append(problem)

    @property
    def errors(self) -> int:
        return sum(count for code, count in self.by_code.items() if code.startswith("E-"))

    @property
    def warnings(self) -> int:
        return self.by_code.total() - self.errors

    def _last_warning(self) -> int | None:
        return next((at for at in range(len(self.first) - 1, -1, -1) if not self.first[at].is_error), None)


class RejectsFile:
    """Writes each problem that it is called with to a CSV file, and counts it. All of it raises `LocalDisk`."""

    def __init__(self, path: Path) -> None:
        """Create *path*, readable by its owner alone."""
        self.tally = ProblemTally()
        self._path = path
        with self._translated():
            self._file = io.TextIOWrapper(create_private(path), encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(REJECT_COLUMNS)

    def close(self) -> None:
        with self._translated():
            self._file.close()

    def flush(self) -> None:
        """Write out what is buffered, so that the file can be copied."""
        with self._translated():
            self._file.flush()

    def __call__(self, problem: Problem) -> None:
        self.tally.add(problem)
        texts = (problem.column, problem.value, problem.code, problem.message, problem.hint)
        with self._translated():
            self._writer.writerow((problem.line, problem.line_end, *map(escape_formula, texts)))

    def _translated(self) -> AbstractContextManager[None]:
        return translate_os_errors(self._path, hint=MORE_ROOM)
