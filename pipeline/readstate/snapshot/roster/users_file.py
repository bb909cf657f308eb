"""A file that names the users to read."""

from collections.abc import Callable
from typing import BinaryIO

from readstate.errors import BadInput
from readstate.input.cell_reader import CellReader
from readstate.input.cells import parse_service, parse_user
from readstate.input.header import Columns
from readstate.input.name_list import read_list
from readstate.snapshot.roster.selection import RosterEntry

_COLUMNS = Columns(("user", "service"), required=("user",), alone="user")


def read_users_file(
    name: str, *, warn: Callable[[str], None], stdin: BinaryIO | None = None
) -> tuple[RosterEntry, ...]:
    """Read the users that *name* (a path, or ``-`` for standard input) asks for, each (user, service) once.

    Raise `BadInput` that lists every wrong line; what is only doubtful goes to *warn*.
    """
    entries: dict[tuple[str, str | None], RosterEntry] = {}

    def take(cells: CellReader, texts: dict[str, str]) -> None:
        user = cells.read("user", texts["user"], parse_user)
        service = cells.read("service", texts["service"], parse_service)
        if user is not None and cells.first_error is None:
            entries.setdefault((user, service), RosterEntry(cells.line, user, service))

    read_list(name, _COLUMNS, take, warn=warn, stdin=stdin)
    if not entries:
        raise BadInput(f"{name}: there is no user in it", hint="Write one user (SID or identity) on each line.")
    return tuple(entries.values())
