"""How a command has ended, as a value. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from readstate.errors import ExitCode
from readstate.text import truncate

_LONGEST_TEXT = 500

_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.CHANGES_PRESENT: "done; the plan holds changes",
    ExitCode.SOME_FAILED: "finished, and some users or rows failed",
    ExitCode.SOME_DRIFTED: "finished, and some rows had changed meanwhile",
    ExitCode.SOME_UNKNOWN: "finished, and the outcome of some rows is unknown",
}
"""Of the exit codes that come without a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a command."""

    command: str
    exit_code: int
    message: str
    """Why it failed; empty where its exit code is all that is known."""
    hint: str
    """What to type next; may be empty."""
    started_at: datetime
    ended_at: datetime

    @property
    def is_success(self) -> bool:
        return is_success(self.exit_code)

    @property
    def text(self) -> str:
        """One short line for people; it holds no hint, in which there are names of this machine."""
        meaning = self.message or _MEANINGS.get(ExitCode(self.exit_code), "failed")
        return truncate(f"readstate {self.command}: exit code {self.exit_code}: {meaning}", _LONGEST_TEXT)

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return {
            "command": self.command,
            "outcome": "success" if self.is_success else "failure",
            "exit_code": self.exit_code,
            "text": self.text,
            "message": self.message or None,
            "hint": self.hint or None,
            "started_at": self.started_at.isoformat(timespec="milliseconds"),
            "ended_at": self.ended_at.isoformat(timespec="milliseconds"),
            "seconds": round((self.ended_at - self.started_at).total_seconds(), 3),
        }


def is_success(exit_code: int) -> bool:
    """Return whether nothing has to be done about a command that ended with *exit_code*."""
    return exit_code in {ExitCode.DONE, ExitCode.CHANGES_PRESENT}
