"""Write every problem of a changes file to ``rejects.csv``, for a person with a spreadsheet."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Self

from readstate.changes.input.problems import Problem, ProblemTally

REJECT_COLUMNS = (
    "input_line",
    "input_line_end",
    "column",
    "value_redacted",
    "code",
    "message",
    "hint",
)


class RejectsFile:
    """A reporter of problems that writes each one down, counts it, and closes its file when the block ends."""

    def __init__(self, path: Path) -> None:
        """Create *path*, readable by its owner alone."""
        self.tally = ProblemTally()
        self._file = path.open("x", encoding="utf-8", newline="")
        path.chmod(0o600)
        self._writer = csv.writer(self._file)
        self._writer.writerow(REJECT_COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def flush(self) -> None:
        """Let others read what was taken down so far."""
        self._file.flush()

    def __call__(self, problem: Problem) -> None:
        """Take *problem* down."""
        self.tally.add(problem)
        self._writer.writerow(
            (problem.line, problem.line_end, problem.column, problem.value, problem.code,
             problem.message, problem.hint)
        )  # fmt: skip
