"""Lets rows through a selection as they come, and keeps count of all others."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from readstate.changes.selection.conditions import Conditions, LeftOut, MarkAction, Selection, select
from readstate.changes.selection.selected_rows import SelectedRows


@dataclass(slots=True)
class RowSelector:
    """Judges tables of rows; the selected ones go to *selected*."""

    conditions: Conditions
    action: MarkAction
    selected: SelectedRows
    rows: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def add(self, rows: pa.Table, read_at: datetime) -> None:
        """Judge *rows* as Twilio has them now."""
        self.rows += len(rows)
        self.selected.add(self._judged(rows), read_at=read_at, source="list")

    def left_out_by_reason(self) -> dict[str, int]:
        """How many rows were left out for each reason, in the order in which the reasons are looked at."""
        return {reason.value: self.left_out[reason] for reason in LeftOut if self.left_out[reason]}

    def _judged(self, rows: pa.Table) -> Selection:
        judged = select(rows, self.conditions, self.action)
        self.left_out.update(judged.left_out)
        return judged
