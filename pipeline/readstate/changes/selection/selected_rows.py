"""Write the rows of a selection down as if a changes file had asked for them, with what was read of each."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from readstate.changes.current_state.memberships import FetchedMembership, ReadResult, UserLines, UserResult
from readstate.changes.input.intents import Intent
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.changes.selection.conditions import Selection
from readstate.model.desired import Update
from readstate.model.ids import is_sid
from readstate.model.membership import Unreadable
from readstate.model.resources import UserConversation
from readstate.model.selection import Audience

_READ = (
    "user_sid",
    "conversation_sid",
    "participant_sid",
    "last_read_message_index",
    "notification_level",
    "unread_messages_count",
    "conversation_state",
)
# Lists shift between pages, so that a user or a row may come twice: what was read last is nearest to the truth.
_DROP_REPEATED = """
DELETE FROM intent WHERE line NOT IN (SELECT max(line) FROM intent GROUP BY user, conversation)
"""
_AUDIENCE = """
SELECT count(DISTINCT user_sid), count(DISTINCT conversation_sid), count(DISTINCT online.online_sid)
FROM intent JOIN state USING (line) LEFT JOIN newest USING (conversation_sid)
LEFT JOIN online ON online_sid = user_sid
WHERE state.failure IS NULL AND (
  set_level IS NOT NULL OR (set_index = '@latest' AND newest.newest > ifnull(before_index, -1))
)
"""


class _Row(NamedTuple):
    user_sid: str
    conversation_sid: str
    participant_sid: str | None
    last_read_message_index: int | None
    notification_level: str | None
    unread_messages_count: int | None
    conversation_state: str | None


class SelectedRows:
    """Fills *readings* with selected rows; the lines of the plan are numbered as they come."""

    def __init__(self, readings: PlanWorkspace) -> None:
        self._readings = readings
        self._line = 0
        readings.staging.database.execute("CREATE TABLE online (online_sid TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, judged: Selection, *, read_at: datetime, source: str) -> None:
        """Take the rows that were selected, as they were read at *read_at*. Raises `LocalDisk`."""
        columns = (judged.rows[name].to_pylist() for name in _READ)
        chosen = zip(map(_Row._make, zip(*columns, strict=True)), judged.desired, strict=True)
        for user_sid, rows in groupby(chosen, key=lambda row: row[0].user_sid):
            found = {row.conversation_sid: (desired, _found(row, source)) for row, desired in rows}
            self._add_user(user_sid, found, read_at)

    def drop_repeated(self) -> int:
        """Keep only the last reading of each row, and give the number of rows that stay."""
        self._readings.staging.write(_DROP_REPEATED, [()])
        return self._readings.staging.count()

    def audience(self, online: Iterable[str] | None) -> Audience:
        """Who will see what the rows change; *online* are the users that are connected, None where nobody knows."""
        staging = self._readings.staging
        staging.write("INSERT OR IGNORE INTO online VALUES (?)", ((user_sid,) for user_sid in online or ()))
        ((users, conversations, connected),) = staging.select(_AUDIENCE)
        return Audience(users=users, conversations=conversations, online=None if online is None else connected)

    def _add_user(self, user_sid: str, found: Mapping[str, tuple[Update, ReadResult]], read_at: datetime) -> None:
        lines = {conversation: self._line + number for number, conversation in enumerate(found, start=1)}
        self._line += len(found)
        self._readings.staging.add(_intents(user_sid, lines, found))
        answers = {conversation: answer for conversation, (_, answer) in found.items()}
        self._readings.add_users([(UserResult(UserLines(user_sid, user_sid, lines), answers), read_at)])


def _intents(
    user_sid: str, lines: Mapping[str, int], found: Mapping[str, tuple[Update, ReadResult]]
) -> Iterator[Intent]:
    return (
        Intent(lines[conversation], lines[conversation], user_sid, conversation, desired)
        for conversation, (desired, _) in found.items()
    )


def _found(row: _Row, source: str) -> FetchedMembership | Unreadable:
    # What a change is sent to must be SIDs, whatever the answer held.
    if not is_sid(row.user_sid, "US") or not is_sid(row.conversation_sid, "CH"):
        return Unreadable("the answer names no user or no conversation")
    return FetchedMembership(UserConversation(**row._asdict()), source)
