"""``readstate schema``: the JSON Schema of what machines read."""

from importlib.resources import files

import click

from readstate.errors import ExitCode


def carry_out() -> int:
    """Carry out ``readstate schema`` and return its exit code."""
    click.echo((files(__package__) / "documents.schema.json").read_text(encoding="utf-8"), nl=False)
    return ExitCode.DONE
