"""The checkpoint of an unfinished export, in one SQLite file: its roster, the users done, the parts with their rows.

A part and the results of its users are committed in one transaction, so a run that is killed finds each user either
done, with all rows on disk, or still to be read.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from readstate.disk.databases import translate_database_errors, typed_rows
from readstate.errors import BadInput
from readstate.foreign_json import UnusableJson, decode_json
from readstate.model.resources import User
from readstate.snapshot.published.snapshot_store import KnownUser
from readstate.snapshot.workspace.checkpoint_rows import (
    ClaimedUser,
    Progress,
    RosterPage,
    SealedPart,
    StoredCount,
    StoredService,
    StoredValue,
    UserRow,
)
from readstate.snapshot.workspace.checkpoint_tables import (
    COMMIT_READ,
    COMMIT_UNREAD,
    INSERT_NEW,
    TABLES,
    UPDATE_PRELOADED,
    VERSION,
)
from readstate.snapshot.workspace.users import RosterUser, UserResult

Position = TypeVar("Position")


class BegunRun(NamedTuple):
    """The run of an unfinished export, or of one of its shards."""

    run_id: str
    snapshot_date: date


class _Dated(msgspec.Struct):
    """The one of a run's options that `begun_run` reads."""

    snapshot_date: date


class Checkpoint:
    """The SQLite file of one export. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        """Open or create it. Raise `LocalDisk`, and `BadInput` where another version of readstate made it."""
        with _translated(path):
            with suppress(OSError):  # then SQLite says why
                path.touch(mode=0o600)  # its further files get the same mode
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
            self._connection.executescript(TABLES)
            self._connection.execute("UPDATE user SET state = 'pending' WHERE state IN ('taken', 'failed')")
            unlisted = self._connection.execute("SELECT EXISTS (SELECT 1 FROM user WHERE NOT listed)")
            self.has_preloaded = bool(unlisted.fetchone()[0])
        """Whether some users are known from an earlier snapshot, and perhaps not listed yet."""
        self._path = path

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def get(self, name: str, kind: Any) -> Any:
        """Return the value of *name*, which is of the type *kind*; None where it was never set."""
        with _translated(self._path):
            return _value(self._connection, name, kind)

    def require(self, name: str, kind: Any) -> Any:
        """Return the value of *name*, which every run sets. Raise `Damaged` where there is none."""
        with _translated(self._path):
            if (value := _value(self._connection, name, kind)) is None:
                raise UnusableJson(f"{name} is missing")
            return value

    def set(self, **values: Any) -> None:
        """Store *values*, each under its name."""
        with self._transaction():
            self._set(values)

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
            self.has_preloaded = True
            return self._connection.total_changes - before

    def delete_vanished(self) -> None:
        """Delete preloaded users that were never listed and answered 404."""
        with self._transaction():
            self._connection.execute("DELETE FROM user WHERE NOT listed AND state = 'vanished'")

    def add_service(self, sid: str) -> None:
        """Add a service whose users are to be listed."""
        with self._transaction():
            self._connection.execute("INSERT OR IGNORE INTO service (sid) VALUES (?)", (sid,))

    def unlisted_services(self, position: type[Position]) -> list[tuple[str, Position | None]]:
        """Return the services that are not listed to the end, each with the *position* of its next page."""
        query = "SELECT sid, next_page FROM service WHERE NOT listed ORDER BY sid"
        with _translated(self._path):
            return [
                (sid, None if page is None else decode_json(page.encode(), position))
                for sid, page in typed_rows(self._connection, query, row_type=StoredService)
            ]

    def add_users(self, service: str, users: Sequence[User], *, next_page: str | None) -> int:
        """Add one page of a service's users, and where the next page is; return how many users were new."""
        ((_, added),) = self.add_pages([RosterPage(service, users, next_page)])
        return added

    def add_pages(self, pages: Sequence[RosterPage]) -> list[tuple[str, int]]:
        """Add *pages* in one transaction; return for each its service, and how many of its users were new."""
        with self._transaction():
            added = [(page.service, self._add_page(page.service, page.users) if page.users else 0) for page in pages]
            self._connection.executemany(
                "UPDATE service SET next_page = ?1, listed = ?1 IS NULL WHERE sid = ?2",
                {page.service: (page.next_page, page.service) for page in pages}.values(),
            )
        return added

    def _add_page(self, service: str, users: Sequence[User]) -> int:
        page = f"WITH page (sid, identity, resource) AS (VALUES {', '.join(['(?, ?, ?)'] * len(users))}) "
        values = [value for user in users for value in (user.sid, user.identity, msgspec.json.encode(user))]
        if self.has_preloaded:
            self._connection.execute(page + UPDATE_PRELOADED, [*values, service])
        before = self._connection.total_changes
        self._connection.execute(page + INSERT_NEW, [*values, service, service])
        return self._connection.total_changes - before

    def add_with_result(self, service: str, user: User, result: UserResult) -> int:
        """Add a user whose result is known, such as one that a file names and that does not exist.

        Return 0 where the user was there already.
        """
        added = self.add_users(service, [user], next_page=None)
        row = self._connection.execute("SELECT id FROM user WHERE service = ? AND sid = ?", (service, user.sid))
        self.commit(None, [msgspec.structs.replace(result, id=row.fetchone()[0])])
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
            claimed = msgspec.convert(rows, list[ClaimedUser])
        return [RosterUser(*row[1:]) for row in sorted(claimed, key=lambda row: (-row.expected, row.id))]

    def commit(self, part: SealedPart | None, results: Iterable[UserResult], **values: Any) -> None:
        """Store a part, the results of its users and the run's counters in one transaction."""
        with self._transaction():
            part_id = None
            if part is not None:
                part_id = self._connection.execute(
                    "INSERT INTO part (name, rows) VALUES (?, ?)", (part.name, part.rows)
                ).lastrowid
            every = list(results)
            rows_read = {result.id: result.rows for result in every if result.state == "read"}
            unread = [result for result in every if result.state != "read"]
            self._connection.execute(COMMIT_READ, (part_id, msgspec.json.encode(rows_read).decode()))
            self._connection.execute(COMMIT_UNREAD, (msgspec.json.encode(unread).decode(),))
            self._set(values)

    def parts(self) -> list[SealedPart]:
        """Return all committed parts."""
        with _translated(self._path):
            query = "SELECT name, rows FROM part ORDER BY id"
            parts = list(typed_rows(self._connection, query, row_type=SealedPart))
            of_users = self._counts("SELECT 'rows', coalesce(sum(rows), 0) FROM user WHERE state = 'read'")["rows"]
            if of_users != (in_parts := sum(part.rows for part in parts)):
                raise UnusableJson(f"its users have {of_users} rows, and its parts {in_parts}")
            for part in parts:
                if Path(part.name).name != part.name:
                    raise UnusableJson(f"{part.name!r} is no name of a part")
        return parts

    def progress(self) -> Progress:
        """Return the numbers of users by state, and of rows in the parts."""
        with _translated(self._path):
            states = self._counts("SELECT state, count(*) FROM user GROUP BY state")
            rows = self._counts("SELECT 'rows', coalesce(sum(rows), 0) FROM part")["rows"]
        return Progress(
            listed=sum(states.values()),
            read=states.get("read", 0),
            vanished=states.get("vanished", 0),
            unknown=states.get("unknown", 0),
            failed=states.get("failed", 0),
            rows=rows,
        )

    def expected_requests(self, page_size: int) -> tuple[int, int, int]:
        """Return how many users there are, of how many list pages by the previous snapshot, and how many are read."""
        with _translated(self._path):
            users, pages, pages_done = self._connection.execute(
                "SELECT count(*), coalesce(sum(pages), 0), coalesce(sum(pages) FILTER (WHERE state <> 'pending'), 0)"
                " FROM (SELECT state, max(1, (expected + ?1 - 1) / ?1) AS pages FROM user)",
                (page_size,),
            ).fetchone()
        return users, pages, pages_done

    def users_by_service(self) -> dict[str, int]:
        """Return the number of users of each service."""
        with _translated(self._path):
            return self._counts("SELECT service, count(*) FROM user GROUP BY service ORDER BY service")

    def users(self) -> Iterator[UserRow]:
        """Yield every user with the result, ordered by service and SID."""
        return self._users("")

    def failed_users(self) -> Iterator[UserRow]:
        """Yield the users that could not be read, ordered by service and SID."""
        return self._users("WHERE state = 'failed'")

    def _users(self, condition: str) -> Iterator[UserRow]:
        query = f"SELECT {', '.join(UserRow._fields)} FROM user {condition} ORDER BY service, sid"  # noqa: S608 - our own
        with _translated(self._path):
            for row in self._connection.execute(query):
                resource = decode_json(msgspec.convert(row[3], bytes), User)
                yield msgspec.convert((*row[:3], resource, *row[4:]), UserRow)

    def _counts(self, query: str) -> dict[str, int]:
        return dict(typed_rows(self._connection, query, row_type=StoredCount))

    def _has_current_schema(self) -> bool:
        """Return whether the tables, where there are any, are those of this version."""
        version = self._connection.execute("PRAGMA user_version").fetchone()
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return tables == (0,) or bool(version == (VERSION,))

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


def begun_run(path: Path) -> BegunRun | None:
    """Return the run that the checkpoint at *path* is of; None where nothing was begun. Raise `LocalDisk`."""
    if not path.exists():
        return None
    with _translated(path), closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'run'").fetchone()[0]:
            return None
        run_id, options = _value(connection, "run_id", str), _value(connection, "options", _Dated)
        return None if run_id is None or options is None else BegunRun(run_id, options.snapshot_date)


def _value(connection: sqlite3.Connection, name: str, kind: Any) -> Any:
    for row in typed_rows(connection, "SELECT value FROM run WHERE name = ?", (name,), row_type=StoredValue):
        return decode_json(row.json.encode(), kind)
    return None


def _translated(path: Path) -> AbstractContextManager[None]:
    return translate_database_errors(
        path,
        kind="checkpoint",
        hint="Free some space or correct the permissions, then run the same command again.",
        if_damaged="Run the same command with --restart: it starts the export over.",
    )
