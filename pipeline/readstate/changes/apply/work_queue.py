"""The unfinished rows of a run, in the order in which they will be executed: a scratch file beside the journal."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from itertools import groupby
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from readstate.changes.plans.reader import Plan
from readstate.changes.plans.schema import to_rows
from readstate.changes.runs.journal import Journal
from readstate.disk.databases import translate_database_errors
from readstate.disk.files import translate_os_errors
from readstate.errors import PlanUnusable
from readstate.model.change import Disposition, PreconditionKind
from readstate.model.desired import Operation
from readstate.model.plan import PlanRow


class _QueuedRow(PlanRow, frozen=True, array_like=True, gc=False):
    """A row as the queue holds it: without the names of its fields, which would be twice as long as their values."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_QueuedRow)


class WorkQueue:
    """Rows by phase, those of a user together, users shuffled by a hash.

    Sorted on disk, because a plan may have more rows than memory holds. Every start fills it anew.
    """

    def __init__(self, path: Path) -> None:
        """Create an empty queue at *path*. Every method raises `LocalDisk`, and `Damaged` for another's bytes."""
        self.path = path
        with self._disk(), translate_os_errors(path):
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # A scratch file: after a crash it is filled anew, so nothing of it has to be durable.
            self._connection.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                "CREATE TABLE work (plan_row_id INTEGER PRIMARY KEY, op TEXT, rank INTEGER, user_sid TEXT,"
                " plan_row BLOB);"
            )

    def close(self) -> None:
        """Remove the file."""
        self._connection.close()
        with suppress(OSError):  # the next start removes it
            self.path.unlink()

    def fill(self, rows: Iterable[PlanRow]) -> None:
        """Add *rows*, and raise what they raise."""
        with self._disk():
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO work VALUES (?,?,?,?,?)",
                ((row.plan_row_id, row.op, _rank(row.user_sid or ""), row.user_sid, _encode(row)) for row in rows),
            )
            self._connection.execute("COMMIT")
            # After the rows: sorting once is quicker than keeping the index in order row by row.
            self._connection.execute("CREATE INDEX work_order ON work (op, rank, user_sid, plan_row_id)")

    def count(self, op: Operation) -> int:
        with self._disk():
            (number,) = self._connection.execute("SELECT count(*) FROM work WHERE op = ?", (op.value,)).fetchone()
        return int(number)

    def get(self, plan_row_id: int) -> PlanRow:
        """Return one row. Raise `KeyError`."""
        query = "SELECT plan_row FROM work WHERE plan_row_id = ?"
        with self._disk():
            found = self._connection.execute(query, (plan_row_id,)).fetchone()
            if found is None:
                raise KeyError(plan_row_id)
            return _decoder.decode(found[0])

    def rows(self, op: Operation) -> Iterator[PlanRow]:
        """Yield the rows of *op* in their order."""
        query = "SELECT plan_row FROM work WHERE op = ? ORDER BY rank, user_sid, plan_row_id"
        with self._disk():
            for (row,) in self._connection.execute(query, (op.value,)):
                yield _decoder.decode(row)

    def _disk(self) -> AbstractContextManager[None]:
        again = f"Free some space, then:  readstate resume {self.path.parent.name}\nIt fills this file anew."
        return translate_database_errors(self.path, kind="work queue", hint=again, if_damaged=again)


def unfinished_rows(plan: Plan, journal: Journal) -> Iterator[PlanRow]:
    """Yield the executable rows of *plan* that *journal* has no outcome for. Raise `PlanUnusable`, `Damaged`."""
    begun = journal.begun()
    next_begun, is_settled = next(begun, (None, False))
    executable = removals = 0
    for batch in plan.batches():
        for row in to_rows(batch.filter(_is_executable(batch))):
            executable += 1
            removals += row.pre_kind == PreconditionKind.MEMBER
            if row.plan_row_id != next_begun:
                yield row
                continue
            if not is_settled:
                yield row
            next_begun, is_settled = next(begun, (None, False))
    if next_begun is not None:
        raise journal.damaged(f"the plan changes no row {next_begun}")
    # Consent was given to these numbers: nothing is sent where they are not those of the rows.
    planned = plan.manifest.guard_inputs
    if (executable, removals) != (journal.header.executable, planned.deletes):
        raise PlanUnusable(
            f"plan {plan.manifest.plan_id} has {executable} executable rows of which {removals} remove a member,"
            f" not {journal.header.executable} and {planned.deletes}",
            hint="It cannot be trusted: plan again.",
        )


def by_user(rows: Iterable[PlanRow]) -> Iterator[tuple[PlanRow, ...]]:
    """Yield the rows of each user; *rows* must come with those of a user together."""
    for _, group in groupby(rows, key=lambda row: row.user_sid):
        yield tuple(group)


def _is_executable(batch: pa.RecordBatch) -> pa.BooleanArray:
    return pc.is_in(batch.column("disposition"), value_set=pa.array([Disposition.UPDATE, Disposition.DELETE]))


def _encode(row: PlanRow) -> bytes:
    return _encoder.encode(msgspec.structs.astuple(row))


def _rank(user_sid: str) -> int:
    """Return a number that spreads users evenly and is the same in every process."""
    # Not hash(): it differs between processes, and a resumed run would have another canary.
    return int.from_bytes(hashlib.blake2b(user_sid.encode(), digest_size=7).digest(), "big")
