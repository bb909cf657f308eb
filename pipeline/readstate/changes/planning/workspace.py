"""What planning has read so far, on disk beside the lines that asked for it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from readstate.changes.current_state.decode import parse_timestamp
from readstate.changes.current_state.memberships import FetchedMembership, UserLines, UserResult
from readstate.changes.current_state.participants import ParticipantsQuery, ParticipantsResult
from readstate.changes.input.intents import Intent
from readstate.changes.input.staging import DuplicateLine, Staging, to_intent
from readstate.model.change import Reason
from readstate.model.desired import Operation
from readstate.model.ids import is_sid, is_unsafe_in_path
from readstate.model.membership import Absent, Current, Present, Unknown, Unreadable
from readstate.model.resources import Participant

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
_LINES_BY_USER = """
SELECT user, conversation, line, operation FROM intent WHERE status IS NULL ORDER BY user, conversation
"""
# A horizon that was never set is left alone by @latest unless somebody insists: no need to ask for the newest then.
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


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line with all that was read for it."""

    intent: Intent
    status: str | None
    status_detail: str | None
    current: Current | None
    """None where nobody asked, because the line cannot be used."""
    read_at: datetime | None
    source: str | None
    participant_snapshot: bytes | None


class PlanWorkspace:
    """The tables beside the staged lines."""

    def __init__(self, directory: Path) -> None:
        """Open empty tables in *directory*. Raises `LocalDisk`."""
        self.staging = Staging(directory, schema=_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self.staging.close()

    def users(self) -> int:
        """How many users the usable lines name."""
        return int(next(self.staging.select("SELECT count(DISTINCT user) FROM intent WHERE status IS NULL"))[0])

    def users_to_list(self) -> Iterator[str]:
        """Users whose words must not become part of a path."""
        query = "SELECT DISTINCT user FROM intent WHERE status IS NULL AND user GLOB '*[^A-Za-z0-9_@-]*'"
        return (user for (user,) in self.staging.select(query) if is_unsafe_in_path(user))

    def user_lines(self, sids: dict[str, str]) -> Iterator[UserLines]:
        """The usable lines, user by user; *sids* says what listing has found."""
        user, conversations, removals = None, dict[str, int](), 0
        for next_user, conversation, line, operation in self.staging.select(_LINES_BY_USER):
            if next_user != user and user is not None:
                yield UserLines(user, sids.get(user, user), conversations, removals)
                conversations, removals = {}, 0
            user = next_user
            conversations[conversation] = line
            removals += operation == Operation.DELETE
        if user is not None:
            yield UserLines(user, sids.get(user, user), conversations, removals)

    def add_users(self, readings: Iterable[tuple[UserResult, datetime]]) -> None:
        """Keep what was read of users, and when."""
        readings = list(readings)
        self.staging.write(
            "INSERT INTO state VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (row for reading, read_at in readings for row in _state_rows(reading, read_at.isoformat())),
        )
        self.staging.write(
            "INSERT INTO user_size VALUES (?,?) ON CONFLICT DO UPDATE"
            " SET conversations = max(conversations, excluded.conversations)",
            (size for reading, _ in readings if (size := _size(reading)) is not None),
        )

    def conversations_wanting_newest(self, *, first_set: bool, beyond_latest: bool) -> Iterator[str]:
        """The conversations whose newest message decides about a line."""
        rows = self.staging.select(_WANTING_NEWEST, {"first_set": first_set, "beyond_latest": beyond_latest})
        return (conversation_sid for (conversation_sid,) in rows)

    def add_newest(self, newest: Iterable[tuple[str, int | Unknown | None]]) -> None:
        """Keep the newest message's index of conversations."""
        self.staging.write(
            "INSERT INTO newest VALUES (?,?,?)",
            ((sid, None, index.reason) if isinstance(index, Unknown) else (sid, index, None) for sid, index in newest),
        )

    def find_duplicates_by_sid(self) -> Iterator[DuplicateLine]:
        """Find lines that name one membership by different words."""
        return self.staging.find_duplicates(_SAME_MEMBERSHIP)

    def members(self, *, closed: bool) -> Iterator[ParticipantsQuery]:
        """The participants that lines ask about, conversation by conversation."""
        conversation, sids = None, list[str]()
        for next_conversation, participant_sid in self.staging.select(_WANTING_PARTICIPANTS, {"closed": closed}):
            if next_conversation != conversation and conversation is not None:
                yield ParticipantsQuery(conversation, tuple(sids))
                sids = []
            conversation = next_conversation
            sids.append(participant_sid)
        if conversation is not None:
            yield ParticipantsQuery(conversation, tuple(sids))

    def add_members(self, readings: Iterable[ParticipantsResult]) -> None:
        """Keep participants."""
        self.staging.write(
            "INSERT OR REPLACE INTO member VALUES (?,?,?,?)",
            (_member_row(sid, found) for reading in readings for sid, found in reading.found.items()),
        )

    def conversations_of(self, user_sid: str) -> int:
        """How many conversations a user at least has; 0 where nobody counted."""
        rows = self.staging.select("SELECT conversations FROM user_size WHERE user_sid = ?", [user_sid])
        return next((int(conversations) for (conversations,) in rows), 0)

    def lines(self) -> Iterator[Line]:
        """Every line of the file in its order, with what was read for it."""
        return map(_to_line, self.staging.select(_ALL))


def _state_rows(reading: UserResult, read_at: str) -> Iterator[tuple[object, ...]]:
    for conversation, line in reading.lines.conversations.items():
        match reading.found[conversation]:
            case Absent(reason):
                yield (line, *[None] * 7, read_at, None, reason.value, None)
            case Unreadable(detail):
                yield (line, *[None] * 7, read_at, None, None, detail)
            case FetchedMembership(row, source):
                yield (
                    line, row.user_sid, row.conversation_sid, _participant_sid(row.participant_sid),
                    row.last_read_message_index, row.notification_level, row.unread_messages_count,
                    row.conversation_state, read_at, source, None, None,
                )  # fmt: skip


def _participant_sid(text: str | None) -> str | None:
    return text if text is not None and is_sid(text, "MB") else None


def _size(reading: UserResult) -> tuple[str, int] | None:
    sids = (found.row.user_sid for found in reading.found.values() if isinstance(found, FetchedMembership))
    sid = next(sids, None)
    return (sid, reading.conversations) if sid is not None and reading.conversations else None


def _member_row(participant_sid: str, found: Participant | Unknown) -> tuple[object, ...]:
    if isinstance(found, Unknown):
        return participant_sid, None, found.reason, None
    return participant_sid, found.last_read_timestamp, None, msgspec.json.encode(found)


def _to_line(row: tuple[Any, ...]) -> Line:
    status, status_detail = row[12:14]
    return Line(
        to_intent(row),
        status,
        status_detail,
        _to_current(row[14:]),
        None if row[22] is None else datetime.fromisoformat(row[22]),
        row[23],
        row[-1],
    )


def _to_current(row: tuple[Any, ...]) -> Current | None:
    (line, user_sid, conversation_sid, participant_sid, index, level, unread, state, _, _, absent, failure,
     asked_newest, newest, newest_failure, asked_member, timestamp, member_failure, _) = row  # fmt: skip
    if line is None:
        return None
    if absent is not None:
        return Absent(Reason[absent])  # type: ignore[arg-type]
    if failure is not None:
        return Unreadable(failure)
    return Present(
        user_sid=user_sid,
        conversation_sid=conversation_sid,
        participant_sid=participant_sid,
        last_read_message_index=index,
        notification_level=level,
        unread_messages_count=unread,
        conversation_state=state,
        newest_message_index=_known(asked_newest, newest_failure) or newest,
        last_read_timestamp=_known(asked_member, member_failure) or parse_timestamp(timestamp),
    )


def _known(asked: str | None, failure: str | None) -> Unknown | None:
    if asked is None:
        return Unknown()
    return Unknown(failure) if failure is not None else None
