"""The first line of a file: its delimiter, its columns, and what is wrong with them. Pure."""

import csv
import difflib
from collections.abc import Iterator

from msgspec import Struct

from readstate.text import group_digits, truncate

MOST_COLUMNS = 100
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_OFTEN_MEANT = {
    "user_sid": "user",
    "identity": "user",
    "conversation_sid": "conversation",
    "unique_name": "conversation",
    "service_sid": "service",
    "chat_service_sid": "service",
    "operation": "op",
    "action": "op",
    "index": "last_read_message_index",
    "timestamp": "last_read_timestamp",
    "level": "notification_level",
}


class Columns(Struct, frozen=True):
    """The columns that a kind of file may have, in any order and in any case."""

    known: tuple[str, ...]
    required: tuple[str, ...] = ()
    alone: str | None = None
    """What each line of a file without a header names; None where a file needs one."""


class HeaderProblem(Struct, frozen=True):
    """What is wrong with one column, or with the line."""

    column: str
    message: str
    hint: str


def names_of(cells: list[str]) -> tuple[str, ...]:
    """Return the names of the columns; empty cells at the end are those that a spreadsheet adds."""
    names = [cell.strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def sniff_delimiter(line: str, columns: Columns) -> str:
    """Return the delimiter that finds the most of *columns* in *line*, or else the most columns."""
    return max(DELIMITERS, key=lambda delimiter: _knownness(names_of(cells_of(line, delimiter)), columns))


def is_header(names: tuple[str, ...], columns: Columns) -> bool:
    """Whether *names* are meant as names of columns, and not as the first line of data."""
    return any(name in columns.known or _OFTEN_MEANT.get(name) in columns.known for name in names)


def header_problems(names: tuple[str, ...], columns: Columns, *, form: str) -> Iterator[HeaderProblem]:
    """Yield what is wrong with *names*; *form* says how the columns were told apart."""
    if len(names) > MOST_COLUMNS:
        yield HeaderProblem(
            "", f"{group_digits(len(names))} columns, where {MOST_COLUMNS} are the limit", _known(columns)
        )
        return
    for name in dict.fromkeys(names):
        if not name:
            yield HeaderProblem("", f"column {names.index(name) + 1} has no name", "Name it, or remove it.")
            continue
        if names.count(name) > 1:
            yield HeaderProblem(name, f"the column {_shown(name)} is there twice", "Remove one of them.")
        if name not in columns.known:
            message = f"unknown column {_shown(name)}{_nearest(name, columns)}"
            yield HeaderProblem(name, message, _known(columns))
    for name in columns.required:
        if name not in names:
            yield HeaderProblem(
                name, f"the column {name!r} is missing ({form})",
                "The first line names the columns. " + _known(columns),
            )  # fmt: skip


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of the one *line*; none where its quotes are wrong."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _shown(name: str) -> str:
    return repr(truncate(name, 40))


def _nearest(name: str, columns: Columns) -> str:
    meant = _OFTEN_MEANT.get(name)
    close = [meant] if meant in columns.known else difflib.get_close_matches(name[:80], columns.known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _known(columns: Columns) -> str:
    return f"Known columns: {', '.join(columns.known)}."


def _knownness(names: tuple[str, ...], columns: Columns) -> tuple[int, int]:
    return sum(name in columns.known for name in names), len(names)
