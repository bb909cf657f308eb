"""``readstate template``: a changes file to start from."""

import csv
import sys

import click

from readstate_jobs.help.command import GroupedCommand

_EXAMPLE = ("US" + "0" * 31 + "1", "CH" + "0" * 31 + "1")
_NAMED = ("alice@example.com", "support-4711")
_HEADERS = {
    "update": ("user", "conversation", "last_read_message_index", "last_read_timestamp", "notification_level", "note"),
    "delete": ("user", "conversation", "note"),
}
_EXAMPLES = {
    "update": ((*_EXAMPLE, "118", "", "", "read up to message 118"), (*_NAMED, "@latest", "", "muted", "read all")),
    "delete": ((*_EXAMPLE, "leaves this conversation"), (*_NAMED, "")),
}


@click.command(cls=GroupedCommand)
@click.option("--op", type=click.Choice(["update", "delete"]), required=True, help="The operation of the examples.")
def command(*, op: str) -> None:
    """Write a changes file with two examples to stdout.

    Change its values, then:  readstate lint changes.csv --op update
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_HEADERS[op])
    writer.writerows(_EXAMPLES[op])
