"""Select rows by conditions, and count the others by reason. Pure: tables in, tables out."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from readstate.changes.selection.exclusions import Exclusions
from readstate.model.desired import LATEST, NotificationLevel, Update

CLOSED = "closed"
OPEN_STATES = frozenset({"active", "inactive"})
COLUMNS = (
    "user_sid",
    "conversation_sid",
    "participant_sid",
    "conversation_state",
    "notification_level",
    "date_updated",
    "unread_messages_count",
    "last_read_message_index",
)
"""The columns that a selection looks at."""

Test = Callable[[pa.Table], Any]
"""Returns a column of booleans: which rows pass."""


class LeftOut(StrEnum):
    """Why a row is not selected; of several reasons the first counts."""

    EXCLUDED = "excluded"
    CLOSED = "closed"
    OTHER_STATE = "other_state"
    NOT_MUTED = "not_muted"
    UPDATED_SINCE = "updated_since"
    FEWER_UNREAD = "fewer_unread"
    NEVER_READ = "never_read"
    NOTHING_UNREAD = "nothing_unread"
    LEVEL_IS_SO = "level_is_so"


class Conditions(Struct, frozen=True, kw_only=True):
    """Which rows to select."""

    states: frozenset[str] = OPEN_STATES
    unread_at_least: int | None = None
    """A row whose count is unknown does not fulfil it."""
    muted: bool = False
    """Muted ones only."""
    updated_before: datetime | None = None
    excluded: Exclusions = field(default_factory=Exclusions)

    def tests(self) -> Iterator[tuple[LeftOut, Test]]:
        """Return each condition that was given, with the reason for leaving out a row that fails it."""
        yield LeftOut.EXCLUDED, self._is_not_excluded
        if CLOSED not in self.states:
            yield LeftOut.CLOSED, lambda rows: _known(pc.not_equal(rows["conversation_state"], CLOSED), unknown=True)
        yield LeftOut.OTHER_STATE, lambda rows: _is_one_of(rows["conversation_state"], self.states)
        if self.muted:
            yield LeftOut.NOT_MUTED, lambda rows: _known(pc.equal(rows["notification_level"], "muted"))
        if (moment := self.updated_before) is not None:
            limit = pa.scalar(moment, pa.timestamp("us", tz="UTC"))
            yield LeftOut.UPDATED_SINCE, lambda rows: _known(pc.less(rows["date_updated"], limit))
        if (count := self.unread_at_least) is not None:
            yield LeftOut.FEWER_UNREAD, lambda rows: _known(pc.greater_equal(rows["unread_messages_count"], count))

    def _is_not_excluded(self, rows: pa.Table) -> Any:
        users, conversations = rows["user_sid"], rows["conversation_sid"]
        # "/" is in no SID, so that joined pairs cannot be confused.
        pairs = {f"{user}/{conversation}" for user, conversation in self.excluded.memberships}
        excluded = pc.or_(
            pc.or_(_is_one_of(users, self.excluded.users), _is_one_of(conversations, self.excluded.conversations)),
            _is_one_of(pc.binary_join_element_wise(users, conversations, "/"), pairs),
        )
        return pc.invert(excluded)


class MarkAction(Struct, frozen=True, kw_only=True):
    """The change to make to each selected row."""

    read: bool = True
    """Their horizon goes to the newest message."""
    never_read_too: bool = False
    """Also where none was ever set, which cannot be undone."""
    level: NotificationLevel | None = None
    """The notification level that they get."""

    def moves(self, rows: pa.Table) -> Any:
        """Whether each row's horizon may have to move."""
        # An unknown count does not prove that everything is read.
        unread = _known(pc.not_equal(rows["unread_messages_count"], 0), unknown=True)
        return pc.and_(pc.and_(unread, self._may_move(rows)), pa.scalar(self.read))

    def sets(self, rows: pa.Table) -> Any:
        """Whether each row's notification level is another than the desired one."""
        if self.level is None:
            return pc.is_in(rows["user_sid"], value_set=pa.array([], pa.string()))
        return _known(pc.not_equal(rows["notification_level"], self.level), unknown=True)

    def reasons(self, idle: pa.Table) -> Iterator[tuple[LeftOut, int]]:
        """Return why there is nothing to do about the *idle* rows."""
        if not self.read:
            yield LeftOut.LEVEL_IS_SO, len(idle)
            return
        may_move = pc.sum(self._may_move(idle)).as_py() or 0
        yield LeftOut.NEVER_READ, len(idle) - may_move
        yield LeftOut.NOTHING_UNREAD, may_move

    def _may_move(self, rows: pa.Table) -> Any:
        return pc.or_(pc.is_valid(rows["last_read_message_index"]), pa.scalar(self.never_read_too))


class Selection(Struct, frozen=True):
    """The selected rows, the desired change of each, and the counts of the others by reason."""

    rows: pa.Table
    desired: list[Update]
    left_out: Counter[LeftOut]


def select(rows: pa.Table, conditions: Conditions, action: MarkAction) -> Selection:
    """Select from *rows*, a table with at least `COLUMNS`; each row is either selected or counted as left out."""
    left_out: Counter[LeftOut] = Counter()
    for reason, test in conditions.tests():
        kept = rows.filter(test(rows))
        left_out[reason] += len(rows) - len(kept)
        rows = kept
    moves, sets = action.moves(rows), action.sets(rows)
    busy = pc.or_(moves, sets)
    left_out.update(dict(action.reasons(rows.filter(pc.invert(busy)))))
    chosen = zip(moves.filter(busy).to_pylist(), sets.filter(busy).to_pylist(), strict=True)
    desired = [
        Update(
            last_read_message_index=LATEST if row_moves else None, notification_level=action.level if row_sets else None
        )
        for row_moves, row_sets in chosen
    ]
    return Selection(rows.filter(busy), desired, +left_out)


def _is_one_of(column: Any, values: frozenset[str] | set[str]) -> Any:
    return pc.is_in(column, value_set=pa.array(sorted(values), pa.string()))


def _known(mask: Any, *, unknown: bool = False) -> Any:
    return pc.fill_null(mask, unknown)
