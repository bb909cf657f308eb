"""SQLite workspace of one planning run: the lines of the file, and the state that was read for each."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from readstate.changes.current_state.memberships import FetchedMembership, ReadResult, UserLines, UserMemberships
from readstate.changes.current_state.participants import ParticipantsQuery, ParticipantsResult
from readstate.changes.input.staging import DuplicateLine, Staging
from readstate.changes.planning.workspace_rows import Line, to_line, to_member_row, to_state_row
from readstate.model.desired import Operation
from readstate.model.ids import is_unsafe_in_path
from readstate.model.membership import Unknown

_SCHEMA = """
CREATE TABLE state (
  line INTEGER PRIMARY KEY, user_sid TEXT, conversation_sid TEXT, participant_sid TEXT,
  before_index INT, before_level TEXT, unread INT, conversation_state TEXT,
  read_at TEXT, source TEXT, absent TEXT, failure TEXT
);
CREATE TABLE newest (conversation_sid TEXT PRIMARY KEY, newest INT, failure TEXT) WITHOUT ROWID;
CREATE TABLE member (participant_sid TEXT PRIMARY KEY, timestamp TEXT, failure TEXT, snapshot BLOB) WITHOUT ROWID;
CREATE TABLE user_size (user_sid TEXT PRIMARY KEY, conversations INT) WITHOUT ROWID;
"""
_MOST_LINES_OF_A_USER = 10_000
"""Read at once; far more than a user has conversations."""
_INSERT_STATE = "INSERT INTO state VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
_LINES_BY_USER = """
SELECT user, conversation, line, operation FROM intent WHERE status IS NULL ORDER BY user, conversation
"""
# @latest leaves a horizon alone that was never set, unless --allow-first-set: no need to read the newest message then.
_WANTING_NEWEST = """
SELECT DISTINCT conversation_sid FROM intent JOIN state USING (line)
WHERE status IS NULL AND conversation_sid IS NOT NULL AND (
  (set_index = '@latest' AND (before_index IS NOT NULL OR :first_set))
  OR (typeof(set_index) = 'integer' AND set_index > ifnull(before_index, -1) AND NOT :beyond_latest)
)
"""
_WANTING_PARTICIPANTS = """
SELECT DISTINCT conversation_sid, participant_sid FROM intent JOIN state USING (line)
WHERE status IS NULL AND participant_sid IS NOT NULL AND (
  set_timestamp IS NOT NULL
  OR (operation = 'delete' AND (ifnull(conversation_state, '') <> 'closed' OR :closed))
)
ORDER BY conversation_sid
"""
# @latest stands for a number by now: it equals a line that names the same number.
_SAME_MEMBERSHIP = """
WITH named AS (
  SELECT user_sid, conversation_sid, line, line_end, operation,
    CASE WHEN set_index = '@latest' THEN ifnull(newest, '@latest') ELSE set_index END AS desired_index,
    set_timestamp, set_level
  FROM intent JOIN state USING (line) LEFT JOIN newest USING (conversation_sid)
  WHERE status IS NULL AND conversation_sid IS NOT NULL
)
SELECT * FROM named
WHERE (user_sid, conversation_sid) IN (
  SELECT user_sid, conversation_sid FROM state JOIN intent USING (line)
  WHERE status IS NULL AND conversation_sid IS NOT NULL
  GROUP BY user_sid, conversation_sid HAVING count(*) > 1
)
ORDER BY user_sid, conversation_sid, line
"""
_ALL = """
SELECT intent.*, state.*, newest.conversation_sid, newest.newest, newest.failure,
  member.participant_sid, member.timestamp, member.failure, member.snapshot
FROM intent LEFT JOIN state USING (line)
LEFT JOIN newest USING (conversation_sid) LEFT JOIN member USING (participant_sid)
ORDER BY line
"""


class PlanWorkspace:
    """The staged lines, and tables with what was read for them."""

    def __init__(self, directory: Path) -> None:
        """Open empty tables in *directory*. Raise `LocalDisk`."""
        self.staging = Staging(directory, schema=_SCHEMA)

    def close(self) -> None:
        self.staging.close()

    def users(self) -> int:
        """Return the number of users that the usable lines name."""
        return int(next(self.staging.select("SELECT count(DISTINCT user) FROM intent WHERE status IS NULL"))[0])

    def users_to_list(self) -> Iterator[str]:
        """Return the users whose names must not become part of a path."""
        # SQLite's GLOB narrows millions of users down to a few; the rule itself is in one place, in Python.
        query = "SELECT DISTINCT user FROM intent WHERE status IS NULL AND user GLOB '*[^A-Za-z0-9_@-]*'"
        return (user for (user,) in self.staging.select(query) if is_unsafe_in_path(user))

    def user_lines(self, sids: dict[str, str]) -> Iterator[UserLines]:
        """Return the usable lines by user, very many in parts; *sids* are those that listing has found."""
        for user, rows in groupby(self.staging.select(_LINES_BY_USER), key=itemgetter(0)):
            while part := list(islice(rows, _MOST_LINES_OF_A_USER)):
                conversations = {conversation: line for _, conversation, line, _ in part}
                deletes = sum(operation == Operation.DELETE for *_, operation in part)
                yield UserLines(sids.get(user, user), conversations, deletes)

    def add_users(self, results: Iterable[tuple[UserMemberships, datetime]]) -> None:
        results = list(results)
        self.staging.write(
            _INSERT_STATE,
            (
                to_state_row(line, result.found[conversation], read_at)
                for result, read_at in results
                for conversation, line in result.lines.conversations.items()
            ),
        )
        self.staging.write(
            "INSERT INTO user_size VALUES (?,?) ON CONFLICT DO UPDATE"
            " SET conversations = max(conversations, excluded.conversations)",
            (size for result, _ in results if (size := _size(result)) is not None),
        )

    def add_states(self, states: Iterable[tuple[int, ReadResult, datetime]]) -> None:
        """Store what was found for lines, and when it was read."""
        self.staging.write(_INSERT_STATE, (to_state_row(*state) for state in states))

    def conversations_wanting_newest(self, *, first_set: bool, beyond_latest: bool) -> Iterator[str]:
        """Return the conversations whose newest message decides about a line."""
        rows = self.staging.select(_WANTING_NEWEST, {"first_set": first_set, "beyond_latest": beyond_latest})
        return (conversation_sid for (conversation_sid,) in rows)

    def add_newest(self, newest: Iterable[tuple[str, int | Unknown | None]]) -> None:
        self.staging.write(
            "INSERT INTO newest VALUES (?,?,?)",
            ((sid, None, index.reason) if isinstance(index, Unknown) else (sid, index, None) for sid, index in newest),
        )

    def find_duplicates_by_sid(self) -> Iterator[DuplicateLine]:
        """Find lines that name one membership by different names."""
        return self.staging.find_duplicates(_SAME_MEMBERSHIP)

    def members(self, *, closed: bool) -> Iterator[ParticipantsQuery]:
        """Return the participants to read, by conversation."""
        rows = self.staging.select(_WANTING_PARTICIPANTS, {"closed": closed})
        for conversation_sid, members in groupby(rows, key=itemgetter(0)):
            yield ParticipantsQuery(conversation_sid, tuple(sid for _, sid in members))

    def add_members(self, results: Iterable[ParticipantsResult]) -> None:
        self.staging.write(
            "INSERT OR REPLACE INTO member VALUES (?,?,?,?)",
            (to_member_row(sid, found) for result in results for sid, found in result.found.items()),
        )

    def conversations_of(self, user_sid: str) -> int:
        """Return how many conversations a user has at least; 0 where they were not counted."""
        rows = self.staging.select("SELECT conversations FROM user_size WHERE user_sid = ?", [user_sid])
        return next((int(conversations) for (conversations,) in rows), 0)

    def lines(self) -> Iterator[Line]:
        """Return every line of the file in its order, with what was read for it."""
        return map(to_line, self.staging.select(_ALL))


def _size(result: UserMemberships) -> tuple[str, int] | None:
    sids = (found.row.user_sid for found in result.found.values() if isinstance(found, FetchedMembership))
    sid = next(sids, None)
    return (sid, result.conversations) if sid is not None and result.conversations else None
