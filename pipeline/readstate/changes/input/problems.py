"""What can be wrong with a changes file, each with what to do about it."""

from collections import Counter
from dataclasses import dataclass, field

from readstate.text import escape_control, truncate

SHOWN_FIRST = 10
_LONGEST_VALUE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong at one place of the file; codes begin with ``E-`` (error) or ``W-`` (warning)."""

    code: str
    message: str
    hint: str
    line: int
    line_end: int
    column: str = ""
    value: str = ""
    """Shortened, with invisible characters made visible."""

    @property
    def is_error(self) -> bool:
        """Whether the line cannot be used; a warning is only worth knowing."""
        return self.code.startswith("E-")


def shortened(text: str) -> str:
    """*text* as `escape_control` gives it, and no longer than a table can bear."""
    return escape_control(truncate(text, _LONGEST_VALUE))


@dataclass(slots=True)
class ProblemTally:
    """Counts problems by code and remembers the first few; never holds them all."""

    by_code: Counter[str] = field(default_factory=Counter)
    first: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Count *problem*."""
        self.by_code[problem.code] += 1
        if len(self.first) < SHOWN_FIRST:
            self.first.append(problem)
        elif problem.is_error and (warning := self._last_warning()) is not None:
            del self.first[warning]
            self.first.append(problem)

    @property
    def errors(self) -> int:
        """How many problems make their line unusable."""
        return sum(count for code, count in self.by_code.items() if code.startswith("E-"))

    @property
    def warnings(self) -> int:
        """How many problems are only worth knowing."""
        return self.by_code.total() - self.errors

    def _last_warning(self) -> int | None:
        return next((at for at in range(len(self.first) - 1, -1, -1) if not self.first[at].is_error), None)
