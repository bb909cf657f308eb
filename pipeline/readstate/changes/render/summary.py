"""What every rendering of a plan shows: its facts, some of its rows, and what each row does in words."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from readstate.changes.plans.reader import Plan
from readstate.changes.plans.schema import to_rows
from readstate.model.change import Direction, Disposition, Fields, Reason, UndoClass
from readstate.model.guards import Consent, Guard, evaluate
from readstate.model.plan import Manifest, PlanRow
from readstate.text import escape_control, format_moment, short_sid

SYMBOLS = {
    Disposition.UPDATE: "~",
    Disposition.DELETE: "-",
    Disposition.NOOP: "=",
    Disposition.SATISFIED: "=",
    Disposition.BLOCKED: "!",
    Disposition.CONFLICT: "!",
    Disposition.INVALID: "x",
    Disposition.NOT_FOUND: "?",
    Disposition.READ_ERROR: "?",
}
"""Show the disposition without colour."""
SAMPLES = {
    Disposition.UPDATE: 800,
    Disposition.DELETE: 500,
    Disposition.BLOCKED: 250,
    Disposition.CONFLICT: 150,
    Disposition.NOT_FOUND: 100,
    Disposition.INVALID: 100,
    Disposition.READ_ERROR: 50,
    Disposition.SATISFIED: 25,
    Disposition.NOOP: 25,
}
"""How many rows of each kind a summary shows: 2 000 together."""
NEVER_SET = "(never set)"
_UNDO: dict[str | None, str] = {UndoClass.PARTIAL: "can be undone only in part", UndoClass.NONE: "cannot be undone"}


class FieldChange(Struct, frozen=True):
    """One field that a row sets."""

    name: str
    before: str
    after: str


class Summary(Struct, frozen=True):
    """A plan's facts and a sample of its rows."""

    plan: Plan
    guards: list[Guard]
    rows: list[PlanRow]

    @property
    def manifest(self) -> Manifest:
        return self.plan.manifest

    def count(self, disposition: str) -> int:
        return self.manifest.counts.get(disposition, 0)


def summarize(plan: Plan, rows: list[PlanRow], consent: Consent | None = None) -> Summary:
    """Return what is shown of *plan*; the guards are evaluated with *consent*, or without any."""
    guards = evaluate(plan.manifest.guard_inputs, consent or Consent())
    return Summary(plan, guards, rows)


def sample(plan: Plan) -> list[PlanRow]:
    """Return some rows of every kind, 2 000 at most, executable ones first."""
    quotas = {
        disposition.value: min(quota, plan.manifest.counts.get(disposition, 0))
        for disposition, quota in SAMPLES.items()
    }
    sampled: Counter[str] = Counter()
    rows: list[PlanRow] = []
    for batch in plan.batches():
        for disposition, quota in quotas.items():
            if left := quota - sampled[disposition]:
                found = _filtered(batch, "disposition", [disposition])[:left]
                rows.extend(to_rows(found))
                sampled[disposition] += len(found)
        # Most plans have enough of every kind in their first rows; a rare kind is searched to the end.
        if sampled.total() == sum(quotas.values()):
            break
    order = {disposition.value: place for place, disposition in enumerate(SAMPLES)}
    return sorted(rows, key=lambda row: (order[row.disposition], row.plan_row_id))


def select(plan: Plan, kinds: Collection[str], *, limit: int) -> list[PlanRow]:
    """Return the first *limit* rows whose disposition, direction or reason is among *kinds*."""
    return _first(plan, lambda batch: _of_kinds(batch, kinds), limit)


def row_of(plan: Plan, plan_row_id: int) -> list[PlanRow]:
    """Return a list of the row with that id, or an empty list."""
    return _first(plan, lambda batch: _filtered(batch, "plan_row_id", [plan_row_id]), 1)


def field_changes(row: PlanRow) -> Iterator[FieldChange]:
    """Return each field that *row* sets, before and after."""
    fields = Fields(row.fields_mask)
    if Fields.INDEX in fields:
        yield FieldChange("last_read_message_index", _shown(row.before_index), _shown(row.set_index))
    if Fields.TIMESTAMP in fields:
        yield FieldChange("last_read_timestamp", _moment(row.before_timestamp), _moment(row.set_timestamp))
    if Fields.LEVEL in fields:
        yield FieldChange("notification_level", _shown(row.before_level), _shown(row.set_level))


def remarks(row: PlanRow) -> list[str]:
    """Return notes about *row*: why nothing is sent, what a removal deletes, how far it can be undone."""
    words: list[str] = []
    if row.reason_code is not None:
        words.append(f"{row.reason_code}: {Reason[row.reason_code].words}")
    if row.reason_detail:
        words.append(escape_control(row.reason_detail))
    if row.disposition == Disposition.DELETE:
        member = short_sid(row.participant_sid or "")
        before, level = _shown(row.before_index), _shown(row.before_level)
        words.append(f"removes member {member}, read horizon {before}, notifications {level}")
    if row.direction == Direction.REWIND:
        words.append("makes read messages unread again")
    if row.undo_note:
        words.append(f"{_UNDO.get(row.undo_class, 'undo')}: {row.undo_note}")
    if row.note:
        words.append(f"note: {escape_control(row.note)}")
    return words


def names_of(row: PlanRow) -> tuple[str, str]:
    """Return user and conversation of *row* as written in the file, which is what its author knows."""
    return escape_control(row.user_input), escape_control(row.conversation_input)


def _first(plan: Plan, keep: Callable[[pa.RecordBatch], pa.RecordBatch], limit: int) -> list[PlanRow]:
    rows: list[PlanRow] = []
    for batch in plan.batches():
        rows.extend(to_rows(keep(batch)[: limit - len(rows)]))
        if len(rows) >= limit:
            break
    return rows


def _of_kinds(batch: pa.RecordBatch, kinds: Collection[str]) -> pa.RecordBatch:
    wanted = pa.array(sorted({*kinds, *(kind.upper() for kind in kinds)}))
    columns = ("disposition", "direction", "reason_code")
    masks = [pc.fill_null(pc.is_in(batch.column(name), value_set=wanted), fill_value=False) for name in columns]
    return batch.filter(pc.or_(pc.or_(masks[0], masks[1]), masks[2]))


def _filtered(batch: pa.RecordBatch, column: str, values: list[object]) -> pa.RecordBatch:
    kept: pa.RecordBatch = batch.filter(pc.is_in(batch.column(column), value_set=pa.array(values)))
    return kept


def _shown(value: object) -> str:
    return NEVER_SET if value is None else escape_control(str(value))


def _moment(moment: datetime | None) -> str:
    return NEVER_SET if moment is None else format_moment(moment)
