"""The command line that resumes an export."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import pairwise

from readstate.errors import ExitCode, ReadstateError
from readstate_jobs.output.messages import command_line

_HINTS = {
    ExitCode.INTERRUPTED: "Nothing that was read is lost. To resume:",
    ExitCode.TERMINATED: "Nothing that was read is lost. To resume:",
    ExitCode.STOPPED_EARLY: "Nothing that was read is lost. To resume:",
    ExitCode.NOT_PERMITTED: "When that is fixed:",
    ExitCode.LOCAL_DISK: "When that is fixed:",
}


@contextmanager
def resume_hint(day: date) -> Iterator[None]:
    """Append the line that resumes the export of *day* to the hint of an error, where resuming can help."""
    try:
        yield
    except ReadstateError as error:
        if error.exit_code in _HINTS:
            resume = f"{_HINTS[error.exit_code]}  {resume_line(day)}"
            error.hint = "\n".join(filter(None, (error.hint, resume)))
        raise


def resume_line(day: date) -> str:
    """Return the command as it was typed, with ``--date``: midnight may pass before it is typed again."""
    return shlex.join(resume_argv(day))


def resume_argv(day: date, *, without: str | None = None) -> list[str]:
    """Return the arguments as typed, for *day*, but the option *without* and its value."""
    replaced = {"--date", without}
    words = ["readstate"]
    for before, word in pairwise(("", *command_line().words)):
        if word != "--restart" and not replaced & {word, before, word.partition("=")[0]}:
            words.append(word)
    return [*words, "--date", day.isoformat()]
