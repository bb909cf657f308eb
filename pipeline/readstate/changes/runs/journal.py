"""The durable record of an apply: one SQLite file that survives a kill and a power cut.

An intent is committed before the first byte of its write is sent; an outcome may follow a moment later, because
losing one costs only a reading. So whatever prefix of this file a crash leaves behind, resuming from it is safe:
what may have been sent is known, and is read back before anything is sent again.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from readstate.changes.plans.tombstone import require_not_erased
from readstate.changes.runs.journal_entries import (
    Attempt,
    FinalState,
    RecordedEvent,
    RunEvent,
    RunHeader,
    RunRow,
    StateCount,
)
from readstate.changes.runs.row_record import FIELDS, INTENT, PENDING, RowRecord, from_row, require_known_state
from readstate.disk.databases import translate_database_errors, typed_rows
from readstate.disk.files import create_private, sync_folder, translate_os_errors
from readstate.errors import BadInput, Damaged, Locked
from readstate.foreign_json import decode_json
from readstate.model.outcome import Outcome

_INTEGERS = {
    name
    for name in FIELDS
    if name.endswith(("_index", "_timestamp", "_at", "_ms", "_429", "_ambiguous"))
    or name in {"epoch", "attempts", "conflicts", "http_status", "twilio_code"}
}
_COLUMNS = ", ".join(
    f"{name} INTEGER PRIMARY KEY" if name == "plan_row_id" else f"{name} {'INTEGER' if name in _INTEGERS else 'TEXT'}"
    for name in FIELDS
)
_EVENT = "CREATE TABLE event (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL)"
_TABLES = f"""
CREATE TABLE run (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), epoch INTEGER NOT NULL, header TEXT NOT NULL,
    state TEXT NOT NULL, exit_code INTEGER);
CREATE TABLE row ({_COLUMNS});
CREATE INDEX row_undecided ON row (state) WHERE state IN ('{PENDING}', '{INTENT}', '{Outcome.UNKNOWN}');
CREATE TABLE attempt (plan_row_id INTEGER NOT NULL, attempt INTEGER NOT NULL, epoch INTEGER NOT NULL, sent_at INTEGER,
    ended_at INTEGER, class TEXT NOT NULL, http INTEGER, tw_code INTEGER, request_id TEXT);
{_EVENT};
"""
_UPSERT = f"INSERT OR REPLACE INTO row VALUES ({','.join('?' * len(FIELDS))})"  # noqa: S608 - question marks
_ALL = f"SELECT {', '.join(FIELDS)} FROM row"  # noqa: S608 - our own column names
_ROWS_AT_ONCE = 2_000
_IF_DAMAGED = "Plan the same file again: rows that were changed already are planned as noop."


class Journal:
    """An open journal. Not for two threads at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection, header: RunHeader, epoch: int) -> None:
        self.path = path
        self.header = header
        self.epoch = epoch
        """Rises with every start; a process of an earlier start cannot write any more."""
        self._connection = connection

    def close(self) -> None:
        self._connection.close()

    # -- writing

    def commit(
        self, records: Iterable[RowRecord], attempts: Iterable[Attempt] = (), events: Iterable[RunEvent] = ()
    ) -> None:
        """Commit all of it together, durably. Raise `Locked`, `LocalDisk`."""
        with self._transaction() as connection:
            connection.executemany(_UPSERT, map(msgspec.structs.astuple, records))
            connection.executemany(
                "INSERT INTO attempt VALUES (?,?,?,?,?,?,?,?,?)", map(msgspec.structs.astuple, attempts)
            )
            connection.executemany(
                "INSERT INTO event (at, kind, json) VALUES (?,?,?)",
                (
                    (event.at.isoformat(), event.kind, json.dumps(event.facts, sort_keys=True, default=str))
                    for event in events
                ),
            )

    def record_event(self, kind: str, at: datetime, **facts: Any) -> None:
        """Commit an event of the whole run. Raise `Locked`, `LocalDisk`."""
        self.commit((), (), [RunEvent(kind=kind, at=at, facts=facts)])

    def finish(self, state: str, exit_code: int) -> None:
        """Record how this start of the run ended: ``finished`` or ``stopped``. Raise `Locked`, `LocalDisk`."""
        with self._transaction() as connection:
            connection.execute("UPDATE run SET state = ?, exit_code = ?", (state, exit_code))

    def reopen(self, outcomes: Sequence[str]) -> int:
        """Make rows that ended with one of *outcomes* pending again. Raise `Locked`, `LocalDisk`."""
        marks = ",".join("?" * len(outcomes))
        with self._transaction() as connection:
            return connection.execute(
                f"UPDATE row SET state = '{PENDING}' WHERE state IN ({marks})",  # noqa: S608 - question marks
                list(outcomes),
            ).rowcount

    # -- reading; a value that is not to be there raises `Damaged`

    def records(self, *states: str) -> Iterator[RowRecord]:
        """Yield the rows that were begun, in plan order; only those in *states* where any are given."""
        where = f"WHERE state IN ({','.join('?' * len(states))}) AND" if states else "WHERE"
        after = -1
        with _disk(self.path):
            while True:
                # In slices, so that a long reading never holds a snapshot of a file that is being written.
                rows = self._connection.execute(
                    f"{_ALL} {where} plan_row_id > ? ORDER BY plan_row_id LIMIT {_ROWS_AT_ONCE}", [*states, after]
                ).fetchall()
                yield from map(from_row, rows)
                if len(rows) < _ROWS_AT_ONCE:
                    return
                after = rows[-1][0]

    def counts(self) -> dict[str, int]:
        """Return the number of rows by state, of those that were begun."""
        query = "SELECT state, count(*) FROM row GROUP BY state"
        with _disk(self.path):
            counts = dict(typed_rows(self._connection, query, row_type=StateCount))
            for state in counts:
                require_known_state(state)
        return counts

    def begun(self) -> Iterator[tuple[int, bool]]:
        """Yield the ids of all rows that were begun, in plan order, each with whether it is settled."""
        with _disk(self.path):
            yield from self._connection.execute(
                "SELECT plan_row_id, state NOT IN (?,?,?) FROM row ORDER BY plan_row_id",
                (PENDING, INTENT, Outcome.UNKNOWN),
            )

    def final_state(self) -> FinalState:
        """Return the state of the run as last recorded, and its exit code where it ended."""
        with _disk(self.path):
            (state,) = typed_rows(self._connection, "SELECT state, exit_code FROM run", row_type=FinalState)
        return state

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events of the whole run, oldest first."""
        with _disk(self.path):
            for row in self._connection.execute("SELECT seq, at, kind, json FROM event ORDER BY seq"):
                yield msgspec.convert(row, RecordedEvent).facts()

    def damaged(self, what: str) -> Damaged:
        """Return the error that says *what* is wrong with this journal."""
        return Damaged(f"{self.path}: the journal is damaged ({what})", hint=_IF_DAMAGED)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _disk(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # Fencing: matches no row once a later start has raised the epoch.
                mine = self._connection.execute("UPDATE run SET epoch = ? WHERE epoch = ?", (self.epoch, self.epoch))
                if mine.rowcount != 1:
                    raise Locked("another process has taken this run over", hint="Wait until it ends, or stop it.")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite rolls back by itself after some errors, such as a full disk.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def create_journal(path: Path, header: RunHeader) -> Journal:
    """Create a journal at *path*, whole or not at all. Raise `LocalDisk`."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with _disk(path), translate_os_errors(path, hint=_hint(path)):
        if path.exists():
            raise FileExistsError(f"there is a journal already: {path}")
        try:
            create_private(unfinished).close()
            with closing(_connected(unfinished)) as connection:
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES}")
                connection.execute(
                    "INSERT INTO run VALUES (1, 1, ?, 'running', NULL)", (msgspec.json.encode(header).decode(),)
                )
                connection.execute("COMMIT")
            unfinished.rename(path)
            sync_folder(path.parent)
        except BaseException:
            for left in (path, unfinished, unfinished.with_name(f"{unfinished.name}-journal")):
                with suppress(OSError):
                    left.unlink()
            with suppress(OSError):
                path.parent.rmdir()
            raise
        return Journal(path, _connected(path), header, 1)


def open_journal(path: Path) -> Journal:
    """Take over the journal at *path* for writing; what may have been sent is of unknown outcome from now on.

    Raise `BadInput` where there is none, `Damaged`, and `LocalDisk`.
    """
    _require(path)
    with _disk(path):
        connection = _connected(path)
        with _closed_on_error(connection):
            _check(connection)
            connection.execute("BEGIN IMMEDIATE")
            _drop_hash_chain(connection)
            header, epoch = _header(connection)
            epoch += 1
            connection.execute("UPDATE run SET epoch = ?, state = 'running', exit_code = NULL", (epoch,))
            # Whether these were sent is not known: they are read back before anything is sent again.
            connection.execute("UPDATE row SET state = ? WHERE state = ?", (Outcome.UNKNOWN, INTENT))
            connection.execute("COMMIT")
        return Journal(path, connection, header, epoch)


def open_read_only(path: Path) -> Journal:
    """Open the journal at *path* for reading only, also while another process writes it. Raise as `open_journal`."""
    _require(path)
    with _disk(path):
        # Not mode=ro: after a kill amid a commit the first reader has to roll it back, and must be able to.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )
        with _closed_on_error(connection):
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA query_only = ON")
            header, epoch = _header(connection)
        return Journal(path, connection, header, epoch)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with _closed_on_error(connection):
        # A reader of a large journal (status, report) holds back commits for as long as one of its queries takes.
        connection.execute("PRAGMA busy_timeout = 30000")
        # Works on network file systems, unlike WAL; a journal that an earlier version kept in WAL mode is converted.
        connection.execute("PRAGMA journal_mode = DELETE")
        # A commit ends with the removal of SQLite's rollback journal. Only EXTRA syncs the folder after that: with
        # FULL a power cut could bring the removed file back, and undo the commit of an intent whose write was sent.
        connection.execute("PRAGMA synchronous = EXTRA")
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _header(connection: sqlite3.Connection) -> tuple[RunHeader, int]:
    rows = list(typed_rows(connection, "SELECT header, epoch FROM run", row_type=RunRow))
    if len(rows) != 1:
        raise msgspec.ValidationError("it has no header")
    return decode_json(rows[0].header.encode(), RunHeader), rows[0].epoch


def _drop_hash_chain(connection: sqlite3.Connection) -> None:
    """Bring the events of a journal of an earlier version, each with a hash of the one before, into today's table."""
    columns = {column for _, column, *_ in connection.execute("PRAGMA table_info(event)")}
    if "prev_sha256" in columns:
        # A new table, because SQLite before 3.35 cannot drop a column.
        connection.execute("ALTER TABLE event RENAME TO chained_event")
        connection.execute(_EVENT)
        connection.execute("INSERT INTO event SELECT seq, at, kind, json FROM chained_event")
        connection.execute("DROP TABLE chained_event")


def _check(connection: sqlite3.Connection) -> None:
    # Not integrity_check, which also compares every row with the index.
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise msgspec.ValidationError(answer)


def _require(path: Path) -> None:
    if not path.is_file():
        require_not_erased(path.parent)
        raise BadInput(
            f"there is no journal {path}",
            hint="Name a run by its directory or its id. Where the journal is lost, plan the same file again.",
        )


def _disk(path: Path) -> AbstractContextManager[None]:
    return translate_database_errors(path, kind="journal", hint=_hint(path), if_damaged=_IF_DAMAGED)


def _hint(path: Path) -> str:
    if not path.exists():
        return "Nothing was sent. Free some space or correct the permissions, then run the same command again."
    return (
        "Nothing is sent before its intent is on disk. Free some space or correct the permissions, then:"
        f"  readstate resume {path.parent.name}"
    )
