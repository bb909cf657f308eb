"""SQLite table of the lines of a changes file, so that memory does not grow with the file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from msgspec import Struct

from readstate.changes.input.intents import Intent, Rejected
from readstate.disk.databases import translate_database_errors
from readstate.model.desired import DesiredChange, Expectation, Operation, Removal, Update

# Scratch data: a plan that is interrupted is made again from the start, so nothing has to wait for the disk.
# SQLite takes as much again as its cache, in kB here, for each sort.
_PRAGMAS = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8000; PRAGMA temp_store=FILE;"
_SCHEMA = """
CREATE TABLE intent (
  line INTEGER PRIMARY KEY, line_end INT, user TEXT, conversation TEXT, operation TEXT,
  set_index, set_timestamp INT, set_level TEXT, expect_index INT, expect_level TEXT,
  row_key TEXT, note TEXT, status TEXT, status_detail TEXT
);
CREATE TABLE duplicate (line INTEGER PRIMARY KEY, status TEXT, detail TEXT);
"""
_BATCH = 1_000
_OTHERS_NAMED = 6
# Plain strings: sqlite3 takes a slow detour for every value of a subclass.
_UPDATE, _DELETE = Operation.UPDATE.value, Operation.DELETE.value

SAME_WORDS = """
SELECT user, conversation, line, line_end, operation, set_index, set_timestamp, set_level
FROM intent JOIN (
  SELECT user, conversation FROM intent WHERE status IS NULL GROUP BY user, conversation HAVING count(*) > 1
) USING (user, conversation)
WHERE status IS NULL ORDER BY user, conversation, line
"""
"""Selects lines that name a membership by the same words."""


class LineStatus(StrEnum):
    """Why a line is not compared with Twilio."""

    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class DuplicateLine(Struct, frozen=True):
    """A line whose membership another line names too."""

    line: int
    line_end: int
    status: LineStatus
    detail: str
    user: str
    conversation: str


class Staging:
    """The lines of one file; deleted with its directory."""

    def __init__(self, directory: Path, *, schema: str = "") -> None:
        """Open a new, empty table in *directory*, with the further tables of *schema*."""
        self._path = directory / "staging.sqlite"
        with self._disk():
            with suppress(OSError):  # then SQLite says why
                self._path.touch(mode=0o600)
            self.database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self.database.executescript(_PRAGMAS + _SCHEMA + schema)

    def close(self) -> None:
        self.database.close()

    def add(self, rows: Iterable[Intent | Rejected]) -> None:
        self.write("INSERT INTO intent VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", map(_flat, rows))

    def write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run *statement* for each of *rows*. Raise `LocalDisk`."""
        with self._disk(), self.database:
            self.database.execute("BEGIN")
            self.database.executemany(statement, rows)

    def execute(self, statement: str) -> None:
        """Run *statement* once. Raise `LocalDisk`."""
        with self._disk():
            self.database.execute(statement)

    def select(self, query: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Run *query* and stream its rows; each call has its own cursor. Raise `LocalDisk`."""
        with self._disk():
            cursor = self.database.execute(query, parameters)
            try:
                while rows := cursor.fetchmany(_BATCH):
                    yield from rows
            finally:
                # A reader that stops half-way may have closed the database already.
                with suppress(sqlite3.ProgrammingError):
                    cursor.close()

    def count(self) -> int:
        return int(next(self.select("SELECT count(*) FROM intent"))[0])

    def rejected(self) -> int:
        """Return the number of lines that cannot be used."""
        query = "SELECT count(*) FROM intent WHERE status = ?"
        return int(next(self.select(query, [LineStatus.REJECTED]))[0])

    def find_duplicates(self, query: str) -> Iterator[DuplicateLine]:
        """Find memberships that several lines name: of equal changes the first stays; unequal ones all conflict.

        *query* selects user, conversation, line, line_end and the desired values, sorted by membership. The lines
        that do not stay are yielded; their status is in the table when the iteration ends.
        """
        # Read twice, one reader a membership ahead of the other: a file may name one membership millions of times.
        ahead, behind = (groupby(self.select(query), key=itemgetter(0, 1)) for _ in range(2))
        for (_, rows), (_, again) in zip(ahead, behind, strict=True):
            found = _Repeated.of(rows)
            # Statuses go into a table of their own first: the queries above are still reading the lines.
            duplicates = found.duplicates(again)
            while batch := list(islice(duplicates, _BATCH)):
                self.write(
                    "INSERT INTO duplicate VALUES (?,?,?)",
                    [(duplicate.line, duplicate.status, duplicate.detail) for duplicate in batch],
                )
                yield from batch
        self.write(
            "UPDATE intent SET status = duplicate.status, status_detail = duplicate.detail FROM duplicate"
            " WHERE intent.line = duplicate.line AND intent.status IS NULL",
            [()],
        )

    def _disk(self) -> AbstractContextManager[None]:
        hint = "Set TMPDIR to a place with more room, or on another disk."
        return translate_database_errors(self._path, kind="staging file", hint=hint, if_damaged=hint)


def to_intent(row: tuple[Any, ...]) -> Intent:
    """Return the intent that the first twelve columns of the table hold."""
    (line, line_end, user, conversation, operation, index, timestamp, level, expect_index, expect_level,
     row_key, note) = row[:12]  # fmt: skip
    desired: DesiredChange = (
        Removal()
        if operation == Operation.DELETE
        else Update(
            last_read_message_index=index,
            last_read_timestamp=None if timestamp is None else datetime.fromtimestamp(timestamp, UTC),
            notification_level=level,
        )
    )
    expectation = Expectation(last_read_message_index=expect_index, notification_level=expect_level)
    return Intent(line, line_end, user, conversation, desired, expectation, row_key, note)


def _flat(row: Intent | Rejected) -> tuple[object, ...]:
    if isinstance(row, Rejected):
        return (row.line, row.line_end, row.user, row.conversation, row.operation,
                None, None, None, None, None, None, None, LineStatus.REJECTED, row.code)  # fmt: skip
    desired, expected = row.desired, row.expectation
    if isinstance(desired, Removal):
        values: tuple[object, ...] = (_DELETE, None, None, None)
    else:
        moment = desired.last_read_timestamp
        values = (
            _UPDATE,
            desired.last_read_message_index,
            None if moment is None else int(moment.timestamp()),
            desired.notification_level,
        )
    expectation = (expected.last_read_message_index, expected.notification_level)
    return (
        row.line, row.line_end, row.user, row.conversation, *values, *expectation, row.row_key, row.note, None, None
    )  # fmt: skip


class _Repeated(Struct, frozen=True):
    """What is known of several lines that name one membership; its size does not grow with their number."""

    lines: tuple[int, ...]
    """The first of them."""
    conflict: bool

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, ...]]) -> "_Repeated":
        lines, values = list[int](), set[tuple[Any, ...]]()
        for row in rows:
            if len(lines) <= _OTHERS_NAMED:
                lines.append(row[2])
            if len(values) < 2:
                values.add(row[4:])
        return cls(tuple(lines), len(values) > 1)

    def duplicates(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[DuplicateLine]:
        """Yield each of *rows* that does not stay."""
        for user, conversation, line, line_end, *_ in rows if self.conflict else islice(rows, 1, None):
            others = ", ".join(str(other) for other in self.lines[:_OTHERS_NAMED] if other != line)
            detail = (
                f"line {others} asks for something else" if self.conflict else f"line {self.lines[0]} asks for the same"
            )
            status = LineStatus.CONFLICT if self.conflict else LineStatus.DUPLICATE
            yield DuplicateLine(line, line_end, status, detail, user, conversation)
