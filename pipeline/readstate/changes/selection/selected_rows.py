"""Select rows as they are read, and add them to a planning workspace as if a changes file had asked for them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from readstate.changes.current_state.memberships import FetchedMembership, ReadResult
from readstate.changes.input.intents import Intent
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.changes.selection.conditions import Conditions, LeftOut, MarkAction, select
from readstate.model.ids import is_sid
from readstate.model.membership import Unreadable
from readstate.model.plan import Audience
from readstate.model.resources import UserConversation

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
    """Adds selected rows to a workspace, numbered as they come, and counts those that are left out."""

    def __init__(self, workspace: PlanWorkspace, conditions: Conditions, action: MarkAction) -> None:
        self.rows = 0
        """Rows that were looked at."""
        self._workspace = workspace
        self._conditions = conditions
        self._action = action
        self._line = 0
        self._left_out: Counter[LeftOut] = Counter()
        workspace.staging.execute("CREATE TABLE online (online_sid TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, rows: pa.Table, read_at: datetime) -> None:
        """Add those of *rows* that are selected, as they were read at *read_at*. Raise `LocalDisk`."""
        selection = select(rows, self._conditions, self._action)
        self.rows += len(rows)
        self._left_out.update(selection.left_out)
        columns = (selection.rows[name].to_pylist() for name in _Row._fields)
        intents, states = list[Intent](), list[tuple[int, ReadResult, datetime]]()
        for row, desired in zip(map(_Row._make, zip(*columns, strict=True)), selection.desired, strict=True):
            self._line += 1
            intents.append(Intent(self._line, self._line, row.user_sid, row.conversation_sid, desired))
            states.append((self._line, _found(row), read_at))
        self._workspace.staging.add(intents)
        self._workspace.add_states(states)

    def drop_repeated(self) -> int:
        """Keep the newest reading of each row; return how many rows stay."""
        self._workspace.staging.write(_DROP_REPEATED, [()])
        return self._workspace.staging.count()

    def left_out(self) -> dict[str, int]:
        """Return how many rows were left out for each reason, in the order of `LeftOut`."""
        return {reason.value: self._left_out[reason] for reason in LeftOut if self._left_out[reason]}

    def audience(self, online: Iterable[str] | None) -> Audience:
        """Return who will see the changes; *online* are the connected users, None where Twilio does not report them."""
        staging = self._workspace.staging
        staging.write("INSERT OR IGNORE INTO online VALUES (?)", ((user_sid,) for user_sid in online or ()))
        ((users, conversations, connected),) = staging.select(_AUDIENCE)
        return Audience(users=users, conversations=conversations, online=None if online is None else connected)


def _found(row: _Row) -> FetchedMembership | Unreadable:
    # What a change is sent to must be SIDs, whatever the answer held.
    if not is_sid(row.user_sid, "US") or not is_sid(row.conversation_sid, "CH"):
        return Unreadable("the answer names no user or no conversation")
    return FetchedMembership(UserConversation(**row._asdict()), "list")
