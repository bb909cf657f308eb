"""The checkpoint of an unfinished export, in one SQLite file: its roster, the users done, the parts with their rows.

A part and the results of its users are committed in one transaction, so a run that is killed finds each user either
done, with all rows on disk, or still to be read.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from readstate.errors import BadInput, LocalDisk
from readstate.model.resources import User
from readstate.snapshot.published.snapshot_store import KnownUser
from readstate.snapshot.workspace.users import RosterUser, UserResult

UserState = Literal["pending", "taken", "read", "vanished", "failed"]

_VERSION = 3
"""Of the tables below and of the parts: another number says that another version of readstate made them. Raise it with
each change."""

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS service (sid TEXT PRIMARY KEY, next_page TEXT, listed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, name TEXT NOT NULL, rows INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS known_size (
    service TEXT NOT NULL, sid TEXT NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (service, sid)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS user (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, sid TEXT NOT NULL, identity TEXT, resource BLOB NOT NULL,
    expected INTEGER NOT NULL DEFAULT 0, listed INTEGER NOT NULL DEFAULT 1, state TEXT NOT NULL DEFAULT 'pending',
    rows INTEGER, part INTEGER, reason TEXT, status INTEGER, code INTEGER, request_id TEXT, at TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS user_key ON user (service, sid);
CREATE INDEX IF NOT EXISTS user_waiting ON user (expected DESC, id) WHERE state = 'pending';
PRAGMA user_version = {_VERSION};
COMMIT;
"""

# One statement for many users: executemany releases the GIL after each of them, and waits for it again.
_UPDATE_PRELOADED = """
UPDATE user SET identity = page.identity, resource = page.resource, listed = 1 FROM page
WHERE user.service = ? AND user.sid = page.sid AND NOT listed
"""
_INSERT_NEW = """
INSERT OR IGNORE INTO user (service, sid, identity, resource, expected)
SELECT ?, sid, identity, resource,
    coalesce((SELECT rows FROM known_size WHERE service = ? AND sid = page.sid), 0)
FROM page
"""
_COMMIT_RESULTS = """
UPDATE user SET state = new.state, rows = new.rows, part = iif(new.rows, ?1, NULL), reason = new.reason,
    status = new.status, code = new.code, request_id = new.request_id, at = new.at
FROM (
    SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.state') AS state,
        json_extract(value, '$.rows') AS rows, json_extract(value, '$.reason') AS reason,
        json_extract(value, '$.status') AS status, json_extract(value, '$.code') AS code,
        json_extract(value, '$.request_id') AS request_id, json_extract(value, '$.at') AS at
    FROM json_each(?2)
) AS new
WHERE user.id = new.id
"""


class SealedPart(NamedTuple):
    """A part file that is complete and on disk."""

    name: str
    rows: int


class Progress(NamedTuple):
    """How far the run is."""

    listed: int
    read: int
    vanished: int
    failed: int
    rows: int


class Checkpoint:
    """The SQLite file of one export. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        """Open or create it. Raise `LocalDisk`, and `BadInput` where another version of readstate made it."""
        with _translated(path):
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A killed process loses nothing with NORMAL; a power cut may lose the last transactions,
            # whose users are then simply read again.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            if not self._has_current_schema():
                self._connection.close()
                raise BadInput(
                    f"{path}: this unfinished export was started with another version of readstate",
                    hint="Finish it with that version, or add --restart to start over.",
                )
            self._connection.executescript(_TABLES)
            self._connection.execute("UPDATE user SET state = 'pending' WHERE state IN ('taken', 'failed')")
            unlisted = self._connection.execute("SELECT EXISTS (SELECT 1 FROM user WHERE NOT listed)")
            self._has_preloaded = bool(unlisted.fetchone()[0])
        self._path = path

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # -- the run itself

    def get(self, name: str) -> Any:
        """Return the value of *name*; None where it was never set."""
        row = self._connection.execute("SELECT value FROM run WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set(self, **values: Any) -> None:
        """Store *values*, each under its name."""
        with self._transaction():
            self._set(values)

    # -- the roster

    def knows_users(self) -> bool:
        """Return whether the checkpoint has any user, which takes requests to find out again."""
        with _translated(self._path):
            return bool(self._connection.execute("SELECT EXISTS (SELECT 1 FROM user)").fetchone()[0])

    def preload_sizes(self, sizes: Iterable[tuple[str, str, int]]) -> None:
        """Store (service, user SID, rows) of an earlier snapshot: the longest lists are read first."""
        with self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO known_size VALUES (?, ?, ?)", sizes)

    def preload_users(self, users: Iterable[KnownUser]) -> int:
        """Add users of an earlier snapshot, until `add_users` lists them again; return how many are new."""
        with self._transaction():
            before = self._connection.total_changes
            self._connection.executemany(
                "INSERT OR IGNORE INTO user (service, sid, identity, resource, expected, listed)"
                " VALUES (?, ?, ?, ?, ?, 0)",
                (
                    (service, sid, identity, msgspec.json.encode(User(sid=sid, identity=identity)), conversations)
                    for service, sid, identity, conversations in users
                ),
            )
            self._has_preloaded = True
            return self._connection.total_changes - before

    def delete_vanished(self) -> None:
        """Delete preloaded users that were never listed and answered 404."""
        with self._transaction():
            self._connection.execute("DELETE FROM user WHERE NOT listed AND state = 'vanished'")

    def add_service(self, sid: str) -> None:
        """Add a service whose users are to be listed."""
        with self._transaction():
            self._connection.execute("INSERT OR IGNORE INTO service (sid) VALUES (?)", (sid,))

    def unlisted_services(self) -> list[tuple[str, str | None]]:
        """Return the services that are not listed to the end, each with the request for the next page."""
        return self._connection.execute("SELECT sid, next_page FROM service WHERE NOT listed ORDER BY sid").fetchall()

    def add_users(self, service: str, users: Sequence[User], *, next_page: str | None) -> int:
        """Add one page of a service's users, and where the next page is; return how many users were new."""
        with self._transaction():
            added = self._add_page(service, users) if users else 0
            self._connection.execute(
                "UPDATE service SET next_page = ?, listed = ? WHERE sid = ?", (next_page, next_page is None, service)
            )
        return added

    def _add_page(self, service: str, users: Sequence[User]) -> int:
        page = f"WITH page (sid, identity, resource) AS (VALUES {', '.join(['(?, ?, ?)'] * len(users))}) "
        values = [value for user in users for value in (user.sid, user.identity, msgspec.json.encode(user))]
        if self._has_preloaded:
            self._connection.execute(page + _UPDATE_PRELOADED, [*values, service])
        before = self._connection.total_changes
        self._connection.execute(page + _INSERT_NEW, [*values, service, service])
        return self._connection.total_changes - before

    def add_with_result(self, service: str, user: User, result: UserResult) -> int:
        """Add a user whose result is known, such as one that a file names and that does not exist.

        Return 0 where the user was there already.
        """
        added = self.add_users(service, [user], next_page=None)
        row = self._connection.execute("SELECT id FROM user WHERE service = ? AND sid = ?", (service, user.sid))
        self.commit(None, [dataclasses.replace(result, id=row.fetchone()[0])])
        return added

    def claim(self, count: int) -> list[RosterUser]:
        """Return up to *count* pending users, the longest lists first, and mark them as taken."""
        with self._transaction():
            rows = self._connection.execute(
                "UPDATE user SET state = 'taken' WHERE id IN"
                " (SELECT id FROM user WHERE state = 'pending' ORDER BY expected DESC, id LIMIT ?)"
                " RETURNING expected, id, service, sid, identity",
                (count,),
            ).fetchall()
        return [RosterUser(*row[1:]) for row in sorted(rows, key=lambda row: (-row[0], row[1]))]

    # -- results

    def commit(self, part: SealedPart | None, results: Iterable[UserResult], **values: Any) -> None:
        """Store a part, the results of its users and the run's counters in one transaction."""
        with self._transaction():
            part_id = None
            if part is not None:
                part_id = self._connection.execute(
                    "INSERT INTO part (name, rows) VALUES (?, ?)", (part.name, part.rows)
                ).lastrowid
            self._connection.execute(_COMMIT_RESULTS, (part_id, msgspec.json.encode(list(results)).decode()))
            self._set(values)

    def parts(self) -> list[SealedPart]:
        """Return all committed parts."""
        return [SealedPart(*row) for row in self._connection.execute("SELECT name, rows FROM part ORDER BY id")]

    def progress(self) -> Progress:
        """Return the numbers of users by state, and of rows in the parts."""
        states: dict[str, int] = dict(self._connection.execute("SELECT state, count(*) FROM user GROUP BY state"))
        rows = self._connection.execute("SELECT coalesce(sum(rows), 0) FROM part").fetchone()[0]
        return Progress(
            listed=sum(states.values()),
            read=states.get("read", 0),
            vanished=states.get("vanished", 0),
            failed=states.get("failed", 0),
            rows=rows,
        )

    def expected_requests(self, page_size: int) -> tuple[int, int]:
        """Return the number of users and of their list pages, by their sizes in the previous snapshot."""
        users, pages = self._connection.execute(
            "SELECT count(*), coalesce(sum(max(1, (expected + ?1 - 1) / ?1)), 0) FROM user", (page_size,)
        ).fetchone()
        return users, pages

    def users_by_service(self) -> dict[str, int]:
        """Return the number of users of each service."""
        return dict(self._connection.execute("SELECT service, count(*) FROM user GROUP BY service ORDER BY service"))

    def users(self) -> Iterator[Mapping[str, Any]]:
        """Return every user with the result, ordered by service and SID."""
        cursor = self._connection.execute(
            "SELECT service, sid, identity, resource, state, rows, reason, status, code, request_id, at"
            " FROM user ORDER BY service, sid"
        )
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)

    def _has_current_schema(self) -> bool:
        """Return whether the tables, where there are any, are those of this version."""
        version = self._connection.execute("PRAGMA user_version").fetchone()
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return tables == (0,) or bool(version == (_VERSION,))

    def _set(self, values: Mapping[str, Any]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO run VALUES (?, ?)", [(name, json.dumps(value)) for name, value in values.items()]
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def begun_run(path: Path) -> str | None:
    """Return the id of the run that the checkpoint at *path* is of; None where nothing was begun. Raise `LocalDisk`."""
    if not path.exists():
        return None
    with _translated(path), closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'run'").fetchone()[0]:
            return None
        row = connection.execute("SELECT value FROM run WHERE name = 'run_id'").fetchone()
        return None if row is None else str(json.loads(row[0]))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, (sqlite3.ProgrammingError, sqlite3.IntegrityError)):
            raise  # a bug of readstate, not of the disk
        raise LocalDisk(
            f"{path}: the checkpoint cannot be used: {error}",
            hint="Free some space or correct the permissions, then run the same command again.\n"
            "If the file is damaged, --restart starts the export over.",
        ) from error
