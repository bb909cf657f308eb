"""What a command prints on stderr besides its log: a line for people, or an object for log collectors."""

import io
import json
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import click

from readstate.errors import ConsentMissing, ExitCode
from readstate.text import escape_control, escape_json
from readstate_jobs.outcome.outcome import Outcome, is_success

if TYPE_CHECKING:
    from readstate.settings.settings import Settings
    from readstate_jobs.outcome.reporter import OutcomeReporter

_WHERE = {"--config", "--profile", "--env-file", "--work-dir"}
"""Options that say which account a command is about, and where its work is: every command about them has these."""

_LEVELS = ("error", "warning", "info", "debug", "trace")


@dataclass(slots=True)
class CommandLine:
    """The arguments as typed, and where and how messages are printed; click's context object."""

    words: Sequence[str] = ()
    log_format: Literal["text", "json"] = "text"
    level: str = "info"
    flags: dict[str, Any] = field(default_factory=dict)
    """Settings that were given as options before any setting was read."""
    env_files: dict[str, str] = field(default_factory=dict)
    """The file of each variable that ``--env-file`` has added to the environment."""
    secrets: list[str] = field(default_factory=list)
    """What was read from a file or printed by a command, to be taken out of what is printed about a failure."""
    reporter: "OutcomeReporter | None" = None
    _log: TextIO | None = None
    _error: tuple[str, str | None] | None = None
    _begun_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)
    _stdout: TextIO | None = None
    """Where results are held back, what stdout was before."""

    @property
    def colour(self) -> Literal[False] | None:
        """False where colours are unwanted; None lets click decide, which colours on a terminal."""
        return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") in {"dumb", "unknown"} else None

    def use(self, settings: "Settings") -> None:
        """Print messages as *settings* say. Raise `LocalDisk`."""
        self.log_format = settings.log_format
        self.set_level(settings.log_level)
        if settings.log_file:
            self.open_log(Path(settings.log_file))

    def set_level(self, level: str) -> None:
        """Print messages of this level and of graver ones; with "error", results of failures only."""
        self.level = level
        if level == "error" and self._stdout is None:
            self._stdout = sys.stdout
            sys.stdout = io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding, sys.stdout.errors, write_through=True)

    def open_log(self, path: Path) -> None:
        """Append messages to *path* too, also those that are not printed. Raise `LocalDisk`."""
        from readstate.disk.files import open_log  # noqa: PLC0415 - --help would wait for it

        if self._log is None:
            self._log = open_log(path)

    def print_message(self, message: str, *, level: str = "info", hint: str | None = None, **facts: object) -> None:
        """Print *message* as one line, with the lines of *hint* below it; *facts* appear in JSON only."""
        if level == "error":
            self._error = message, hint
        if _LEVELS.index(level) <= _LEVELS.index(self.level):
            # Not with err=True: click keeps the stream of before, and would write into a progress bar.
            click.echo(self._rendered(message, level, hint, facts), file=sys.stderr, color=self.colour)
        self._write_log(message, level, hint, facts)

    def end(self, code: int) -> None:
        """Print what was held back of a failure, and report how the command ended. Raise `OSError`."""
        message, hint = self._error or ("", None)
        outcome = Outcome(
            command=next(iter(self.words), ""),
            exit_code=code,
            message=message,
            hint=hint or "",
            started_at=self._begun_at,
            ended_at=datetime.now(UTC),
        )
        if self._stdout is not None:
            self.release_results(code)
            if not outcome.is_success and not message:
                self.print_message(outcome.text, level="error")
        self._write_log(outcome.text, "info", None, {"exit_code": code})
        with suppress(KeyboardInterrupt):  # whoever does not want to wait for it need not
            for problem in self.reporter.report(outcome, self.secrets) if self.reporter else ():
                self.print_message(problem, level="error")
        if self._log is not None:
            self._log.close()

    def release_results(self, code: int) -> None:
        """Print the results that were held back, unless *code* says that there is nothing to do about them."""
        if self._stdout is None or sys.stdout is self._stdout:
            return
        held, sys.stdout = sys.stdout, self._stdout
        assert isinstance(held, io.TextIOWrapper)
        assert isinstance(held.buffer, io.BytesIO)
        result = held.buffer.getvalue().decode(held.encoding)
        if not is_success(code):
            click.echo(result, nl=False)
        elif result:
            self._write_log("the result:", "info", result.rstrip(), {})

    def keep_results(self) -> None:
        """Print results in any case, and as they come: they are for a program."""
        self.release_results(ExitCode.INTERNAL)

    def _rendered(self, message: str, level: str, hint: str | None, facts: dict[str, object]) -> str:
        if self.log_format == "json":
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            entry = {"time": now, "level": level, "event": "message", "message": message, "hint": hint}
            return escape_json(json.dumps(entry | facts))
        mark = {"error": click.style("error:", fg="red", bold=True) + " ", "warning": "warning: "}.get(level, "")
        line = f"{mark}{escape_control(message)}"
        return f"{line}\n{escape_lines(hint)}" if hint else line

    def _write_log(self, message: str, level: str, hint: str | None, facts: dict[str, object]) -> None:
        if self._log is None:
            return
        time = "" if self.log_format == "json" else f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} "
        with suppress(OSError):  # a full disk below the log ends nothing
            print(time + click.unstyle(self._rendered(message, level, hint, facts)), file=self._log)


def command_line() -> CommandLine:
    """Return the command line that is being carried out."""
    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_object(CommandLine)
    return CommandLine() if found is None else found


def next_line(*words: str) -> str:
    """Return *words* as the command to type next, with those options of this one that say which account and where."""
    typed = pairwise(("", *command_line().words))
    where = [word for before, word in typed if _WHERE & {before, word.partition("=")[0]}]
    return shlex.join(["readstate", *words, *where])


def require_confirmation(what: str, *, verb: str, done: str) -> None:
    """Ask at the terminal whether to remove *what*. Raise `ConsentMissing` without a terminal, `click.Abort` for no."""
    if not sys.stdin.isatty():
        raise ConsentMissing(f"{what} would be {done}", hint="Nothing was removed. To do it, add --yes.")
    command_line().keep_results()  # what is to be removed was printed
    click.confirm(f"{verb} {what} for good?", abort=True, err=True)


def escape_lines(text: str) -> str:
    """Return *text* with its control characters escaped, except the line ends of a message of several lines."""
    return "\n".join(map(escape_control, text.split("\n")))
