"""``readstate schema``: the JSON Schema of what machines read."""

from importlib.resources import files

import click

from readstate.errors import ExitCode
from readstate_jobs.help.command import GroupedCommand


@click.command(cls=GroupedCommand)
def command() -> int:
    """Print one JSON Schema for all --json documents; the field `schema` of a document names its part and version.

    Its $defs also describe the manifest of a snapshot.
    """
    click.echo((files(__package__) / "documents.schema.json").read_text(encoding="utf-8"), nl=False)
    return ExitCode.DONE
