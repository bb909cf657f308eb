"""What a run has left to do, in the order in which it will be done: a scratch file beside the journal."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import get_type_hints

import msgspec

from readstate.errors import LocalDisk
from readstate.model.desired import Operation
from readstate.model.plan import PlanRow

_NAMES = PlanRow.__struct_fields__
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[tuple(get_type_hints(PlanRow).values())])  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class UserRows:
    """Rows of one user, which one worker does, so that no user has more than two requests under way."""

    user_sid: str
    rows: tuple[PlanRow, ...]


class Work:
    """Rows by phase, those of a user together and the users in an order that means nothing.

    Sorted on disk, because a plan may have more rows than memory holds; lost with a crash, and made anew.
    """

    def __init__(self, path: Path) -> None:
        """Begin anew at *path*. Raises `LocalDisk`."""
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE work (plan_row_id INTEGER PRIMARY KEY, op TEXT, rank INTEGER, user_sid TEXT, plan_row BLOB);"
        )

    def close(self) -> None:
        """Remove the file."""
        self._connection.close()
        self.path.unlink(missing_ok=True)

    def fill(self, rows: Iterable[PlanRow]) -> None:
        """Take *rows* in. Raises `LocalDisk`."""
        try:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO work VALUES (?,?,?,?,?)",
                ((row.plan_row_id, row.op, _rank(row.user_sid or ""), row.user_sid, _encode(row)) for row in rows),
            )
            self._connection.execute("COMMIT")
            self._connection.execute("CREATE INDEX work_order ON work (op, rank, user_sid, plan_row_id)")
        except sqlite3.OperationalError as error:
            raise LocalDisk(f"{self.path}: {error}", hint="Free some space, then resume.") from error

    def count(self, op: Operation) -> int:
        """How many rows of *op* there are."""
        (number,) = self._connection.execute("SELECT count(*) FROM work WHERE op = ?", (op.value,)).fetchone()
        return int(number)

    def get(self, plan_row_id: int) -> PlanRow:
        """One row. Raises `KeyError`."""
        found = self._connection.execute("SELECT plan_row FROM work WHERE plan_row_id = ?", (plan_row_id,)).fetchone()
        if found is None:
            raise KeyError(plan_row_id)
        return _decode(found[0])

    def rows(self, op: Operation) -> Iterator[PlanRow]:
        """The rows of *op* in their order."""
        for (row,) in self._connection.execute(
            "SELECT plan_row FROM work WHERE op = ? ORDER BY rank, user_sid, plan_row_id", (op.value,)
        ):
            yield _decode(row)


def by_user(rows: Iterable[PlanRow]) -> Iterator[UserRows]:
    """Group *rows*, in which those of one user stand together."""
    for user_sid, group in groupby(rows, key=lambda row: row.user_sid):
        assert user_sid is not None
        yield UserRows(user_sid, tuple(group))


def _encode(row: PlanRow) -> bytes:
    # The names of the fields would be twice as long as their values, on every row of a file that may have millions.
    return _encoder.encode(msgspec.structs.astuple(row))


def _decode(packed: bytes) -> PlanRow:
    return PlanRow(**dict(zip(_NAMES, _decoder.decode(packed), strict=True)))


def _rank(user_sid: str) -> int:
    """A number that spreads users evenly and is the same in every process."""
    return int.from_bytes(hashlib.blake2b(user_sid.encode(), digest_size=7).digest(), "big")
