"""The durable record of an apply: one SQLite file that survives a kill and a power cut.

An intent is committed before the first byte of its write is sent; an outcome may follow a moment later, because
losing one costs only a reading. So whatever prefix of this file a crash leaves behind, resuming from it is safe:
what may have been sent is known, and is read back before anything is sent again.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from readstate.changes.plans.tombstone import require_not_erased
from readstate.changes.runs.row_record import FIELDS, INTENT, PENDING, RowRecord, from_row
from readstate.errors import BadInput, LocalDisk, Locked
from readstate.model.outcome import Outcome
from readstate.model.plan import Target

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


class RunHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was begun with; never changes, holds no secret."""

    run_id: str
    plan_id: str
    plan_dir: str
    rows_sha256: str = msgspec.field(name="rows_root_sha256")
    """Stored under the name that it has had from the first version of journals."""
    account_sid: str
    service_sid: str
    base_url: str
    executable: int
    started_at: datetime
    tool_version: str
    who: dict[str, Any]
    argv: list[str]
    consent: dict[str, Any]
    options: dict[str, Any]

    @property
    def target(self) -> Target:
        return Target(account_sid=self.account_sid, service_sid=self.service_sid, base_url=self.base_url)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that was not the first or did not succeed at once; in the order of the table's columns."""

    plan_row_id: int
    attempt: int
    epoch: int
    sent_at: int | None
    ended_at: int
    kind: str
    http: int | None
    tw_code: int | None
    request_id: str | None


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the run as a whole."""

    kind: str
    at: datetime
    facts: dict[str, Any]


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

    # -- reading

    def records(self, *states: str) -> Iterator[RowRecord]:
        """Yield the rows that were begun, in plan order; only those in *states* where any are given."""
        where = f"WHERE state IN ({','.join('?' * len(states))}) AND" if states else "WHERE"
        after = -1
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
        return dict(self._connection.execute("SELECT state, count(*) FROM row GROUP BY state"))

    def settled(self) -> Iterator[int]:
        """Yield the ids of all rows that are settled, in plan order."""
        for (plan_row_id,) in self._connection.execute(
            "SELECT plan_row_id FROM row WHERE state NOT IN (?,?,?) ORDER BY plan_row_id",
            (PENDING, INTENT, Outcome.UNKNOWN),
        ):
            yield plan_row_id

    def final_state(self) -> tuple[str, int | None]:
        """Return the state of the run as last recorded, and its exit code where it ended."""
        state, exit_code = self._connection.execute("SELECT state, exit_code FROM run").fetchone()
        return state, exit_code

    def events(self) -> Iterator[dict[str, Any]]:
        """Return the events of the whole run, oldest first."""
        for seq, at, kind, text in self._connection.execute("SELECT seq, at, kind, json FROM event ORDER BY seq"):
            yield {"seq": seq, "at": at, "kind": kind, **json.loads(text)}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _disk(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # Fencing: matches no row once a later start has raised the epoch.
                mine = self._connection.execute("UPDATE run SET epoch = ? WHERE epoch = ?", (self.epoch, self.epoch))
                if mine.rowcount != 1:
                    raise Locked("another process has taken this run over", hint="Let that one end, or stop it.")
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def create_journal(path: Path, header: RunHeader) -> Journal:
    """Create a journal at *path*. Raise `LocalDisk`."""
    with _disk(path):
        path.touch(mode=0o600, exist_ok=False)
        connection = _connected(path)
        connection.executescript(_TABLES)
        connection.execute("INSERT INTO run VALUES (1, 1, ?, 'running', NULL)", (msgspec.json.encode(header).decode(),))
        return Journal(path, connection, header, 1)


def open_journal(path: Path) -> Journal:
    """Take over the journal at *path* for writing; what may have been sent is of unknown outcome from now on.

    Raise `BadInput` where there is none and `LocalDisk` where it is damaged.
    """
    _require(path)
    with _disk(path):
        connection = _connected(path)
        _check(path, connection)
        connection.execute("BEGIN IMMEDIATE")
        _drop_hash_chain(connection)
        header, epoch = connection.execute("SELECT header, epoch + 1 FROM run").fetchone()
        connection.execute("UPDATE run SET epoch = ?, state = 'running', exit_code = NULL", (epoch,))
        # Whether these were sent is not known: they are read back before anything is sent again.
        connection.execute("UPDATE row SET state = ? WHERE state = ?", (Outcome.UNKNOWN, INTENT))
        connection.execute("COMMIT")
        return Journal(path, connection, _decoded(header), epoch)


def open_read_only(path: Path) -> Journal:
    """Open the journal at *path* for reading only, also while another process writes it. Raise as `open_journal`."""
    _require(path)
    with _disk(path):
        # Not mode=ro: after a kill amid a commit the first reader has to roll it back, and must be able to.
        connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA query_only = ON")
        header, epoch = connection.execute("SELECT header, epoch FROM run").fetchone()
        return Journal(path, connection, _decoded(header), epoch)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # A reader of a large journal (status, report) holds back commits for as long as one of its queries takes.
    connection.execute("PRAGMA busy_timeout = 30000")
    # Works on network file systems, unlike WAL; a journal that an earlier version kept in WAL mode is converted.
    connection.execute("PRAGMA journal_mode = DELETE")
    # A commit ends with the removal of SQLite's rollback journal. Only EXTRA syncs the folder after that: with FULL
    # a power cut could bring the removed file back, and undo the commit of an intent whose write was sent.
    connection.execute("PRAGMA synchronous = EXTRA")
    return connection


def _drop_hash_chain(connection: sqlite3.Connection) -> None:
    """Bring the events of a journal of an earlier version, each with a hash of the one before, into today's table."""
    columns = {column for _, column, *_ in connection.execute("PRAGMA table_info(event)")}
    if "prev_sha256" in columns:
        # A new table, because SQLite before 3.35 cannot drop a column.
        connection.execute("ALTER TABLE event RENAME TO chained_event")
        connection.execute(_EVENT)
        connection.execute("INSERT INTO event SELECT seq, at, kind, json FROM chained_event")
        connection.execute("DROP TABLE chained_event")


def _check(path: Path, connection: sqlite3.Connection) -> None:
    # Not integrity_check, which also compares every row with the index.
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise _damaged(path, answer)


def _require(path: Path) -> None:
    if not path.is_file():
        require_not_erased(path.parent)
        raise BadInput(
            f"there is no journal {path}",
            hint="Name a run by its directory or its id. Where the journal is lost, plan the same file again.",
        )


def _decoded(header: str) -> RunHeader:
    return msgspec.json.decode(header, type=RunHeader)


def _damaged(path: Path, what: object) -> LocalDisk:
    return LocalDisk(
        f"{path}: the journal is damaged ({what})",
        hint="Plan the same file again: rows that were changed already are planned as noop.",
    )


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise LocalDisk(
            f"{path}: {error}", hint="Nothing is sent whose intent is not on disk. Free some space, then resume."
        ) from error
    except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
        raise _damaged(path, error) from error
