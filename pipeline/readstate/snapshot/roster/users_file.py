"""A file that names the users to read: CSV, one user a line, or Parquet; every wrong line is found in one pass."""

import csv
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from readstate.errors import BadInput
from readstate.model.ids import is_sid
from readstate.text import truncate

LONGEST_IDENTITY = 256
_MOST_SHOWN = 50
_INVISIBLE = re.compile("[\u00a0\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
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


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that cannot be used, and why."""

    line: int
    value: str
    reason: str

    def __str__(self) -> str:
        shown = truncate(self.value, 60)
        return f"line {self.line}: {shown!r}: {self.reason}"


def read_users_file(name: str, *, stdin: BinaryIO | None = None) -> list[RosterEntry]:
    """Read the users that *name* (a path, or ``-`` for standard input) asks for, each once.

    Raises `BadInput` that tells every wrong line.
    """
    entries, wrong = parse_users(_rows(name, stdin or sys.stdin.buffer))
    if wrong:
        lines = [str(problem) for problem in wrong[:_MOST_SHOWN]]
        if len(wrong) > _MOST_SHOWN:
            lines.append(f"… and {len(wrong) - _MOST_SHOWN} more")
        raise BadInput(
            f"{name}: {len(wrong)} wrong line{'s' if len(wrong) > 1 else ''}, nothing was read:\n  "
            + "\n  ".join(lines),
            hint="A line holds a user (SID or identity) and, in a CSV with the header user,service, the service's SID.",
        )
    if not entries:
        raise BadInput(f"{name}: names no user", hint="Give one user (SID or identity) a line.")
    return entries


class _Row(NamedTuple):
    line: int
    user: str
    service: str
    surplus: bool = False


def parse_users(rows: Iterable[_Row | WrongLine]) -> tuple[list[RosterEntry], list[WrongLine]]:
    """Sort rows into users, each (user, service) once, and wrong lines."""
    entries: dict[tuple[str, str | None], RosterEntry] = {}
    wrong: list[WrongLine] = []
    for row in rows:
        if isinstance(row, WrongLine):
            wrong.append(row)
        elif (reason := _wrong_with(row)) is not None:
            wrong.append(WrongLine(row.line, row.user or row.service, reason))
        else:
            service = row.service if row.service not in {"", "default"} else None
            entries.setdefault((row.user, service), RosterEntry(row.line, row.user, service))
    return list(entries.values()), wrong


def _wrong_with(row: _Row) -> str | None:
    """Say what is wrong with a row; None where nothing is."""
    if row.surplus:
        return "more cells than the header has columns"
    if row.user == "":
        return "the user is empty"
    for text in (row.user, row.service):
        for is_wrong, reason in _WRONG_TEXT:
            if is_wrong(text):
                return reason
    for is_wrong, reason in _WRONG_USER:
        if is_wrong(row.user):
            return reason
    if row.service not in {"", "default"} and not is_sid(row.service, "IS"):
        return f"the service {row.service!r} is not a service's SID (IS and 32 hex digits)"
    return None


_Rule = tuple[Callable[[str], object], str]

_WRONG_TEXT: tuple[_Rule, ...] = (
    (lambda text: any("\udc80" <= character <= "\udcff" for character in text), "not valid UTF-8"),
    (lambda text: any(ord(character) < 32 or ord(character) == 127 for character in text), "holds a control character"),
    (_INVISIBLE.search, "holds an invisible character (a no-break or zero-width space)"),
    (lambda text: text != text.strip(), "begins or ends with a space"),
)
_WRONG_USER: tuple[_Rule, ...] = (
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


def _rows(name: str, stdin: BinaryIO) -> Iterator[_Row | WrongLine]:
    if name.endswith(".parquet"):
        return _parquet_rows(name)
    try:
        content = stdin.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}") from error
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise BadInput(f"{name}: is UTF-16", hint="Save it as UTF-8.")
    text = content.decode("utf-8-sig", "surrogateescape")
    first = text.split("\n", 1)[0].strip().lower()
    columns = [column.strip().strip('"') for column in first.split(",")]
    if name.endswith(".csv") or "user" in columns:
        return _csv_rows(text, name)
    return _text_rows(text)


def _text_rows(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _Row(number, line.removesuffix("\r"), "")


def _csv_rows(text: str, name: str) -> Iterator[_Row | WrongLine]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [column.strip().lower() for column in next(reader, [])]
    if not any(header):
        raise BadInput(f"{name}: it is empty", hint="Its first line must be user or user,service.")
    unknown = set(header) - {"user", "service"}
    if "user" not in header or unknown or len(set(header)) != len(header):
        raise BadInput(
            f"{name}: the header is {','.join(header)!r}", hint="It must be user or user,service, each column once."
        )
    user_at = header.index("user")
    service_at = header.index("service") if "service" in header else None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield WrongLine(line, "", f"not CSV: {error}")
            continue
        if row is None:
            return
        if any(row):
            yield _Row(
                line,
                row[user_at] if user_at < len(row) else "",
                row[service_at] if service_at is not None and service_at < len(row) else "",
                surplus=len(row) > len(header),
            )


def _parquet_rows(name: str) -> Iterator[_Row]:
    from pyarrow import ArrowException
    from pyarrow import parquet as pq

    try:
        file = pq.ParquetFile(name)
        columns = [column for column in ("user", "service") if column in file.schema_arrow.names]
        if "user" not in columns:
            raise BadInput(f"{name}: has no column 'user'", hint=f"It has: {', '.join(file.schema_arrow.names)}.")
        number = 0
        for batch in file.iter_batches(columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield _Row(number, str(row["user"] or ""), str(row.get("service") or ""))
    except (OSError, ArrowException) as error:
        raise BadInput(f"{name}: cannot be read as Parquet: {error}") from error
