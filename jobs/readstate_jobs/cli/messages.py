"""What a command says on stderr besides its log: a line for people, or an object for log collectors."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import click

Level = Literal["info", "error"]


@dataclass(slots=True)
class CommandLine:
    """What was typed, and in which form its teller wants to be answered; the object of click's context."""

    words: Sequence[str] = ()
    log_format: Literal["text", "json"] = "text"

    @property
    def colour(self) -> Literal[False] | None:
        """Whether to colour: None leaves it to click, which colours on a terminal."""
        return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") in {"dumb", "unknown"} else None

    def tell(self, message: str, *, level: Level = "info", hint: str | None = None, **facts: object) -> None:
        """Say *message* and, below it, *hint*; *facts* are for machines alone."""
        if self.log_format == "json":
            from datetime import UTC, datetime

            said = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": "told"}
            click.echo(json.dumps(said | {"message": message, "hint": hint} | facts), err=True)
            return
        from readstate_jobs.cli.terminal import printable_lines

        mark = f"{click.style('error:', fg='red', bold=True)} " if level == "error" else ""
        click.echo(f"{mark}{printable_lines(message)}", err=True, color=self.colour)
        if hint:
            click.echo(printable_lines(hint), err=True)


def command_line() -> CommandLine:
    """The command line that is being carried out."""
    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_object(CommandLine)
    return CommandLine() if found is None else found
