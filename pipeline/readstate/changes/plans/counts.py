"""Count a plan while it is written: by disposition and reason, and what the guards ask."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from heapq import nsmallest

from readstate.disk.databases import translate_database_errors
from readstate.model.change import Disposition, Fields, UndoClass
from readstate.model.guards import (
    MAX_DELETES_PER_CONVERSATION,
    MAX_EXAMPLES,
    ConversationDeletes,
    GuardInputs,
    UserDeletes,
    is_wiped_out,
)
from readstate.model.plan import PlanRow

_FIELD_NAMES = [[str(field.name).lower() for field in Fields(mask)] for mask in range(8)]


class PlanCounts:
    """Counts of a plan; memory does not grow with its rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.reason_lines: dict[str, list[int]] = {}
        """The first lines of each reason."""
        self.directions: Counter[str] = Counter()
        self.fields: Counter[str] = Counter()
        """Updates by the fields that they set."""
        self.undo: Counter[str] = Counter()
        # A private table that SQLite keeps in memory while it is small and on disk when it grows.
        self._removals = sqlite3.connect("")
        self._removals.execute("CREATE TABLE removal (user_sid TEXT, conversation_sid TEXT)")

    def close(self) -> None:
        self._removals.close()

    def add(self, row: PlanRow) -> None:
        self.rows += 1
        self.counts[row.disposition] += 1
        if row.reason_code is not None:
            self.reasons[row.reason_code] += 1
            if len(lines := self.reason_lines.setdefault(row.reason_code, [])) < 3:
                lines.append(row.input_line)
        if row.undo_class is not None:
            self.undo[row.undo_class] += 1
        if row.disposition == Disposition.UPDATE:
            self.directions[row.direction] += 1
            # A table instead of Fields(mask): iterating over flags takes longer than all else here.
            for name in _FIELD_NAMES[row.fields_mask]:
                self.fields[name] += 1
        elif row.disposition == Disposition.DELETE:
            with _disk():
                self._removals.execute("INSERT INTO removal VALUES (?,?)", (row.user_sid, row.conversation_sid))

    def guard_inputs(self, conversations_of: Callable[[str], int]) -> GuardInputs:
        """Return the facts for the guards; *conversations_of* a user returns how many that user has at least."""
        wiped_out, worst = 0, list[UserDeletes]()
        with _disk():
            for loss in self._wiped_out(conversations_of):
                wiped_out += 1
                worst = nsmallest(MAX_EXAMPLES, [*worst, loss], key=_worst_first)
            most, emptied = self._emptied()
        return GuardInputs(
            rows=self.rows,
            updates=self.counts[Disposition.UPDATE],
            deletes=self.counts[Disposition.DELETE],
            not_found=self.counts[Disposition.NOT_FOUND],
            read_errors=self.counts[Disposition.READ_ERROR],
            not_fully_undoable=self.undo[UndoClass.PARTIAL] + self.undo[UndoClass.NONE],
            wiped_out_users=wiped_out,
            wiped_out_examples=tuple(worst),
            most_deletes_in_one_conversation=most,
            emptied_examples=emptied,
        )

    def _wiped_out(self, conversations_of: Callable[[str], int]) -> Iterator[UserDeletes]:
        for user_sid, deletes in self._removals.execute("SELECT user_sid, count(*) FROM removal GROUP BY user_sid"):
            conversations = conversations_of(user_sid)
            if is_wiped_out(deletes, conversations):
                yield UserDeletes(user_sid, deletes, conversations)

    def _emptied(self) -> tuple[int, tuple[ConversationDeletes, ...]]:
        query = "SELECT conversation_sid, count(*) AS n FROM removal GROUP BY 1 ORDER BY n DESC, 1 LIMIT ?"
        losses = [ConversationDeletes(*row) for row in self._removals.execute(query, [MAX_EXAMPLES])]
        offenders = tuple(loss for loss in losses if loss.deletes > MAX_DELETES_PER_CONVERSATION)
        return losses[0].deletes if losses else 0, offenders


def _disk() -> AbstractContextManager[None]:
    hint = "Set TMPDIR to a place with more room, or on another disk."
    return translate_database_errors("the removals of a plan", kind="table", hint=hint, if_damaged=hint)


def _worst_first(loss: UserDeletes) -> tuple[int, str]:
    return -loss.deletes, loss.user_sid
