"""``readstate template``: a changes file to start from."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from readstate.errors import BadInput

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


@click.command()
@click.option("--op", type=click.Choice(["update", "delete"]), required=True, help="What the file is to ask for.")
@click.option(
    "--from-export", "export", metavar="FILE", type=click.Path(path_type=Path, dir_okay=True),
    help="Fill it with the rows of a snapshot's Parquet file or folder.",
)  # fmt: skip
def command(*, op: str, export: Path | None) -> None:
    """Write a changes file to stdout: two examples, or one line for each row of an export.

    Change its values, then:  readstate lint changes.csv --op update
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_HEADERS[op])
    writer.writerows(_EXAMPLES[op] if export is None else _from_export(export, op))


def _from_export(export: Path, op: str) -> Iterator[tuple[object, ...]]:
    import pyarrow as pa
    import pyarrow.dataset as ds

    columns = ["user_sid", "conversation_sid"]
    if op == "update":
        columns += ["last_read_message_index", "notification_level"]
    try:
        rows = ds.dataset(export, format="parquet").to_batches(columns=columns)
        for batch in rows:
            for user, conversation, *values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                index, level = values or (None, None)
                note = "" if level is None else f"now {level}"
                yield (user, conversation, index, None, None, note) if op == "update" else (user, conversation, "")
    except (OSError, pa.ArrowException) as error:
        raise BadInput(
            f"{export}: not an export ({error})", hint="Give a file or folder of user_conversations/ in a snapshot."
        ) from error
