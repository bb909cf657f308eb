"""Lets rows through a selection as they come, and keeps count of all others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from readstate.changes.current_state.memberships import Membership
from readstate.changes.selection.conditions import Conditions, Judged, LeftOut, Marking, judge
from readstate.changes.selection.reread import Reread
from readstate.changes.selection.selected_rows import SelectedRows
from readstate.model.change import Absent, Unreadable
from readstate.snapshot.candidates.single_rows import to_table


@dataclass(slots=True)
class Sieve:
    """Judges tables of rows; the selected ones go to *selected*."""

    conditions: Conditions
    marking: Marking
    selected: SelectedRows
    rows: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def take(self, rows: pa.Table, read_at: datetime) -> None:
        """Judge *rows* as Twilio has them now."""
        self.rows += len(rows)
        self.selected.add(self._judged(rows), read_at=read_at, source="list")

    def choose(self, tables: Iterator[pa.Table]) -> Iterator[Judged]:
        """Judge the rows of a snapshot: those that are chosen still have to be read again."""
        for table in tables:
            self.rows += len(table)
            yield self._judged(table)

    def take_again(self, answers: Sequence[Reread]) -> None:
        """Judge what was chosen once more, as it is now: it may have been read, closed or left since."""
        for source in ("list", "fetch"):
            rows = [
                (state.row, answer.chosen.identity)
                for answer in answers
                for state in answer.reading.found.values()
                if isinstance(state, Membership) and state.source == source
            ]
            if rows:
                read_at = min(answer.read_at for answer in answers)
                judged = self._judged(to_table(rows, snapshot_at=read_at))
                self.selected.add(judged, read_at=read_at, source=source)
        for answer in answers:
            self._note_missing(answer)

    def left_out_by_reason(self) -> dict[str, int]:
        """How many rows were left out for each reason, in the order in which the reasons are looked at."""
        return {reason.value: self.left_out[reason] for reason in LeftOut if self.left_out[reason]}

    def _note_missing(self, answer: Reread) -> None:
        states, chosen = answer.reading.found, answer.chosen
        self.left_out[LeftOut.GONE] += sum(isinstance(state, Absent) for state in states.values())
        failures = {name: state for name, state in states.items() if isinstance(state, Unreadable)}
        if failures:
            self.selected.add_unreadable(chosen.user_sid, chosen.wishes, failures, read_at=answer.read_at)

    def _judged(self, rows: pa.Table) -> Judged:
        judged = judge(rows, self.conditions, self.marking)
        self.left_out.update(judged.left_out)
        return judged
