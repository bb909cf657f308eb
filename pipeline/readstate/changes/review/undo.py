"""Plan the reversal of a run: restore each row that still has the value that the run gave it. Sends nothing but GET.

An undo asks for the values from before the run, as a line of a changes file would, and goes through the same diff.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from readstate.changes.current_state.plan_rows import Observation, read_each_row
from readstate.changes.current_state.target import TargetInfo
from readstate.changes.input.intents import Intent
from readstate.changes.planning.diff import diff
from readstate.changes.planning.make_plan import Provenance, finish_plan
from readstate.changes.planning.options import PlanOptions
from readstate.changes.planning.plan_row import to_plan_row
from readstate.changes.planning.workspace_rows import Line
from readstate.changes.plans.reader import Plan
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.results import paired
from readstate.changes.runs.row_record import RowRecord, moment
from readstate.model.change import Disposition, Edit, Reason, Skip
from readstate.model.desired import Update
from readstate.model.membership import Present, Unknown
from readstate.model.outcome import Outcome
from readstate.model.plan import Mode, PlanRow
from readstate.twilio.read_context import ReadContext

# All values were there before the run: none of them is refused now.
_OPTIONS = PlanOptions(mode=Mode.EXACT, allow_rewind=True, allow_beyond_latest=True, allow_closed=True)


class _Field(Struct, frozen=True):
    """One field that the run has set: its value before the run, from the run, and now."""

    name: str
    before: Any
    ours: Any
    now: Any


def undo_row(
    row: PlanRow, record: RowRecord, observation: Observation, *, first_set_to: int | None = None, plan_row_id: int = 0
) -> PlanRow:
    """Return the row that takes back *row*, which the run applied as in *record*. Pure.

    *first_set_to* is the value for a horizon that was not set before the run: it cannot be cleared again.
    """
    desired, note = _desired(record, first_set_to)
    intent = Intent(
        line=row.input_line,
        line_end=row.input_line_end,
        user=row.user_input,
        conversation=row.conversation_input,
        desired=desired,
        row_key=row.row_key,
        note=row.note,
    )
    current = observation.current
    change = _skip(row, record, observation, desired) or diff(intent, current, _OPTIONS, observation.at)
    if isinstance(change, Edit):
        change = replace(change, undo_note=note)
    line = Line(intent, None, None, current, observation.at, "fetch", None)
    undo = to_plan_row(line, change, plan_row_id=plan_row_id)
    # A membership that is gone has no SIDs in what was read; the plan that is undone has them.
    return msgspec.structs.replace(undo, user_sid=row.user_sid, conversation_sid=row.conversation_sid)


async def plan_undo(
    plan: Plan,
    journal: Journal,
    writer: PlanWriter,
    context: ReadContext,
    *,
    located: TargetInfo,
    provenance: Provenance,
    writes_per_second: float,
    first_set_to: int | None = None,
) -> Plan:
    """Write to *writer* the plan that takes back what the run of *journal* applied of *plan*.

    Raise `Stopped`, `LocalDisk`, `NotPermitted`.
    """
    number = 0
    async with read_each_row(_applied(plan, journal), context) as results:
        async for row, record, observation in results:
            writer.add(undo_row(row, record, observation, first_set_to=first_set_to, plan_row_id=number))
            number += 1
    return finish_plan(
        writer,
        lambda _: 0,  # asked of users who lose memberships, and an undo removes none
        options=msgspec.structs.replace(_OPTIONS, writes_per_second=writes_per_second),
        target_info=located,
        provenance=provenance,
        now=located.server_now(context.clock),
        requests=located.requests + number,
    )


def _applied(plan: Plan, journal: Journal) -> Iterator[tuple[PlanRow, RowRecord]]:
    for row, record in paired(plan, journal):
        if record is not None and record.state == Outcome.APPLIED:
            yield row, record


def _desired(record: RowRecord, first_set_to: int | None) -> tuple[Update, str]:
    """Return the update that restores what *record* has overwritten, and a note about what cannot be restored."""
    before: dict[str, Any] = {}
    if record.sent_index is not None:
        before["last_read_message_index"] = first_set_to if record.before_index is None else record.before_index
    if record.sent_timestamp is not None:
        known = record.before_timestamp
        before["last_read_timestamp"] = None if known is None else moment(known)
    if record.sent_level is not None:
        before["notification_level"] = record.before_level
    lost = [name for name, value in before.items() if value is None]
    return Update(**before), f"{' and '.join(lost)} cannot be cleared again and stays" if lost else ""


def _skip(row: PlanRow, record: RowRecord, observation: Observation, desired: Update) -> Skip | None:
    """Return why *row* is not restored, beyond what the diff refuses; None where it is."""
    if row.disposition == Disposition.DELETE:
        return Skip(Reason.NO_UNDO, "a removed member cannot be put back as it was")
    current = observation.current
    if not isinstance(current, Present):
        return None
    if row.pre_participant_sid is not None and current.participant_sid != row.pre_participant_sid:
        return Skip(Reason.CHANGED_SINCE, "another member has taken the place")
    fields = list(_fields(record, current))
    if all(field.now == field.before for field in fields):
        return Skip(Reason.SAME)
    changed = [
        f"{field.name} is {field.now}, and the run had set {field.ours}" for field in fields if field.now != field.ours
    ]
    if changed:
        return Skip(Reason.CHANGED_SINCE, "; ".join(changed))
    if all(getattr(desired, field.name) in {None, field.now} for field in fields):
        lost = [field.name for field in fields if getattr(desired, field.name) is None]
        return Skip(Reason.NO_UNDO, f"{' and '.join(lost)} cannot be cleared again")
    return None


def _fields(record: RowRecord, current: Present) -> Iterator[_Field]:
    if record.sent_index is not None:
        now = current.last_read_message_index
        yield _Field("last_read_message_index", record.before_index, record.sent_index, now)
    if record.sent_timestamp is not None:
        before = None if record.before_timestamp is None else moment(record.before_timestamp)
        read_at = current.last_read_timestamp
        shown = read_at.reason if isinstance(read_at, Unknown) else read_at
        yield _Field("last_read_timestamp", before, moment(record.sent_timestamp), shown)
    if record.sent_level is not None:
        yield _Field("notification_level", record.before_level, record.sent_level, current.notification_level)
