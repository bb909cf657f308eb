"""What a command prints on stderr besides its log: a line for people, or an object for log collectors."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import click

from readstate.errors import ConsentMissing
from readstate.text import escape_control, escape_json

Level = Literal["info", "error"]


@dataclass(slots=True)
class CommandLine:
    """The arguments as typed, and the form in which messages are printed; click's context object."""

    words: Sequence[str] = ()
    log_format: Literal["text", "json"] = "text"

    @property
    def colour(self) -> Literal[False] | None:
        """False where colours are unwanted; None lets click decide, which colours on a terminal."""
        return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") in {"dumb", "unknown"} else None

    def print_message(self, message: str, *, level: Level = "info", hint: str | None = None, **facts: object) -> None:
        """Print *message* as one line, with the lines of *hint* below it; *facts* appear in JSON only."""
        if self.log_format == "json":
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            entry = {"time": now, "level": level, "event": "message", "message": message, "hint": hint}
            _echo(escape_json(json.dumps(entry | facts)))
            return
        mark = f"{click.style('error:', fg='red', bold=True)} " if level == "error" else ""
        _echo(f"{mark}{escape_control(message)}", colour=self.colour)
        if hint:
            _echo(escape_lines(hint))


def _echo(text: str, *, colour: bool | None = None) -> None:
    # Not with err=True: click keeps the stream of before, and would write into a progress bar, which replaces stderr.
    click.echo(text, file=sys.stderr, color=colour)


def command_line() -> CommandLine:
    """Return the command line that is being carried out."""
    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_object(CommandLine)
    return CommandLine() if found is None else found


def require_confirmation(what: str, *, verb: str, done: str) -> None:
    """Ask at the terminal whether to remove *what*. Raise `ConsentMissing` without a terminal, `click.Abort` for no."""
    if not sys.stdin.isatty():
        raise ConsentMissing(f"{what} would be {done}", hint="Nothing was removed. To do it, add --yes.")
    click.confirm(f"{verb} {what} for good?", abort=True, err=True)


def escape_lines(text: str) -> str:
    """Return *text* with its control characters escaped, except the line ends of a message of several lines."""
    return "\n".join(map(escape_control, text.split("\n")))
