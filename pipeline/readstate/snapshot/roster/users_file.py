"""A file that names the users to read."""

import re
from collections.abc import Callable, Iterable
from typing import BinaryIO, NamedTuple

from readstate.errors import BadInput
from readstate.model.ids import is_sid
from readstate.snapshot.roster.line_file import FileLine, WrongLine, raise_wrong_lines, read_lines

LONGEST_IDENTITY = 256
_HEADERS = (("user",), ("user", "service"))
_ALMOST_A_SID = re.compile(r"US[0-9a-fA-F]{24,40}")
_OTHER_SID = re.compile(r"(AC|IS|CH|MB|SK|RL|IM)[0-9a-fA-F]{32}")
_SPREADSHEET_NUMBER = re.compile(r"\d(\.\d+)?[eE][+]\d+")


class RosterEntry(NamedTuple):
    """A user that a file asks for."""

    line: int
    user: str
    """A SID or an identity."""
    service: str | None
    """A service SID, or None for the run's own."""


def read_users_file(name: str, *, stdin: BinaryIO | None = None) -> list[RosterEntry]:
    """Read the users that *name* (a path, or ``-`` for standard input) asks for, each once.

    Raises `BadInput` that lists every wrong line.
    """
    entries, wrong = parse_users(read_lines(name, _HEADERS, stdin=stdin))
    if wrong:
        raise_wrong_lines(
            name,
            wrong,
            hint="A line holds a user (SID or identity) and, in a CSV with the header user,service, the service's SID.",
        )
    if not entries:
        raise BadInput(f"{name}: names no user", hint="Write one user (SID or identity) a line.")
    return entries


def parse_users(lines: Iterable[FileLine | WrongLine]) -> tuple[list[RosterEntry], list[WrongLine]]:
    """Return the users of *lines*, each (user, service) once, and the wrong lines."""
    entries: dict[tuple[str, str | None], RosterEntry] = {}
    wrong: list[WrongLine] = []
    for line in lines:
        if isinstance(line, WrongLine):
            wrong.append(line)
            continue
        user, service = line.cells if len(line.cells) == 2 else (line.cells[0], "")
        if (reason := _wrong_with(user, service)) is not None:
            wrong.append(WrongLine(line.number, user or service, reason))
        else:
            named = service if service not in {"", "default"} else None
            entries.setdefault((user, named), RosterEntry(line.number, user, named))
    return list(entries.values()), wrong


def _wrong_with(user: str, service: str) -> str | None:
    """Return what is wrong with a line; None where nothing is."""
    if user == "":
        return "the user is empty"
    for is_wrong, reason in _WRONG_USER:
        if is_wrong(user):
            return reason
    if service not in {"", "default"} and not is_sid(service, "IS"):
        return f"the service {service!r} is not a service's SID (IS and 32 hex digits)"
    return None


_WRONG_USER: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda user: user in {".", ".."}, "a dot segment cannot be asked for by name; use the user's SID"),
    (lambda user: len(user) > LONGEST_IDENTITY, f"longer than {LONGEST_IDENTITY} characters, the longest identity"),
    (lambda user: {user[0], user[-1]} & set("“”‘’"), "in typographic quotes: a word processor has changed the file"),
    (_SPREADSHEET_NUMBER.fullmatch, "a number in scientific notation: a spreadsheet has changed the identity"),
    (_OTHER_SID.fullmatch, "a SID of another kind; a user's begins with US"),
    (
        lambda user: _ALMOST_A_SID.fullmatch(user) and not is_sid(user, "US"),
        "almost a user's SID: US must be followed by exactly 32 hex digits",
    ),
)
