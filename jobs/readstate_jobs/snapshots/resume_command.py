"""The line that goes on with an export."""

import shlex
from datetime import date
from itertools import pairwise

from readstate.errors import ExitCode, ReadstateError
from readstate_jobs.cli.messages import command_line

_SAYS_HOW_TO_GO_ON = {
    ExitCode.INTERRUPTED: "What was read is kept. To go on:",
    ExitCode.TERMINATED: "What was read is kept. To go on:",
    ExitCode.STOPPED_EARLY: "What was read is kept. To go on:",
    ExitCode.NOT_PERMITTED: "When that is mended:",
    ExitCode.LOCAL_DISK: "When that is mended:",
}


def add_how_to_go_on(error: ReadstateError, day: date) -> None:
    """Let the hint of *error* end in the line that goes on with the export of *day*, where there is one."""
    if error.exit_code in _SAYS_HOW_TO_GO_ON:
        how = f"{_SAYS_HOW_TO_GO_ON[error.exit_code]}  {line_for(day)}"
        error.hint = "\n".join(filter(None, (error.hint, how)))


def line_for(day: date) -> str:
    """The line that was typed, for *day*: with the date in it, because midnight may pass before it is typed again."""
    return shlex.join(words_for(day))


def words_for(day: date, *, without: str | None = None) -> list[str]:
    """The words that were typed, for *day*; *without* an option and its value."""
    replaced = {"--date", without}
    words = ["readstate"]
    for before, word in pairwise(("", *command_line().words)):
        if word != "--restart" and not replaced & {word, before, word.partition("=")[0]}:
            words.append(word)
    return [*words, "--date", day.isoformat()]
