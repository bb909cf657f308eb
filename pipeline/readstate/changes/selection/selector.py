"""Select rows as they are read, and count those that are left out."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from readstate.changes.selection.conditions import Conditions, LeftOut, MarkAction, select
from readstate.changes.selection.selected_rows import SelectedRows


@dataclass(slots=True)
class RowSelector:
    """Passes the selected rows of each table on to *selected*."""

    conditions: Conditions
    action: MarkAction
    selected: SelectedRows
    rows: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def add(self, rows: pa.Table, read_at: datetime) -> None:
        """Select from *rows*, which were read at *read_at*."""
        self.rows += len(rows)
        selection = select(rows, self.conditions, self.action)
        self.left_out.update(selection.left_out)
        self.selected.add(selection, read_at=read_at, source="list")

    def left_out_by_reason(self) -> dict[str, int]:
        """Return how many rows were left out for each reason, in the order of `LeftOut`."""
        return {reason.value: self.left_out[reason] for reason in LeftOut if self.left_out[reason]}
