"""Plan to take a run back: restore what still has the value that the run gave it. Sends nothing but GET."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from readstate.changes.current_state.plan_rows import Observation, read_each_row
from readstate.changes.current_state.target import TargetInfo
from readstate.changes.planning.make_plan import Provenance, estimate, unsigned_manifest
from readstate.changes.planning.options import PlanOptions
from readstate.changes.plans.reader import Plan, read_manifest
from readstate.changes.plans.writer import PlanWriter
from readstate.changes.runs.journal import Journal
from readstate.changes.runs.results import paired
from readstate.changes.runs.row_record import RowRecord, moment
from readstate.model.change import Direction, Disposition, Fields, PreconditionKind, Reason, UndoClass
from readstate.model.desired import Operation
from readstate.model.membership import Absent, Present, Unknown, Unreadable
from readstate.model.outcome import Outcome
from readstate.model.plan import Mode, PlanRow
from readstate.twilio.read_context import ReadContext

_NOTHING_SET: dict[str, Any] = {
    "reason_code": None, "reason_detail": None, "direction": Direction.NONE.value, "fields_mask": 0,
    "set_index": None, "set_timestamp": None, "set_level": None, "pre_kind": PreconditionKind.NONE.value,
    "pre_index": None, "pre_level": None, "pre_participant_sid": None, "user_expect_json": None,
    "undo_class": None, "undo_note": None, "op": Operation.UPDATE.value,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a row that the run had set."""

    name: str
    field: Fields
    ours: Any
    before: Any
    now: Any


def undo_row(row: PlanRow, record: RowRecord, seen: Observation, *, first_set_to: int | None) -> PlanRow:
    """The row of an undo for *row*, which the run applied as *record* tells and which is now as *seen*. Pure.

    *first_set_to* is what a horizon becomes that was never set before: it cannot be cleared again.
    """
    bare = msgspec.structs.replace(row, **_NOTHING_SET)
    if row.disposition == Disposition.DELETE:
        return _left(bare, Reason.NO_UNDO, "a removed member cannot be put back as it was")
    match seen.current:
        case Unreadable(detail):
            return _left(bare, Reason.UNREADABLE, detail)
        case Absent(reason):
            return _left(bare, reason, "")
        case Present() as current:
            return _restored(_as_seen(bare, current, seen.at), row, record, current, first_set_to=first_set_to)


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

    Raises `Stopped`, `LocalDisk`, `NotPermitted`.
    """
    requests = located.requests
    async with read_each_row(_applied(plan, journal), context) as results:
        async for row, record, seen in results:
            requests += 1
            back = undo_row(row, record, seen, first_set_to=first_set_to)
            writer.add(msgspec.structs.replace(back, plan_row_id=writer.tally.rows))
    options = PlanOptions(mode=Mode.EXACT, allow_rewind=True, writes_per_second=writes_per_second)
    guard_inputs = writer.tally.guard_inputs(_nobody_is_removed)
    directory = writer.finish(
        unsigned_manifest(
            writer.tally,
            guard_inputs,
            estimate(guard_inputs.updates, requests, options),
            options=options,
            located=located,
            provenance=provenance,
            now=located.server_now(context.clock),
        )
    )
    return Plan(directory, read_manifest(directory))


def _applied(plan: Plan, journal: Journal) -> Iterator[tuple[PlanRow, RowRecord]]:
    for row, record in paired(plan, journal):
        if record is not None and record.state == Outcome.APPLIED:
            yield row, record


def _restored(bare: PlanRow, row: PlanRow, record: RowRecord, current: Present, *, first_set_to: int | None) -> PlanRow:
    if row.pre_participant_sid is not None and current.participant_sid != row.pre_participant_sid:
        return _left(bare, Reason.CHANGED_SINCE, "another member has taken the place")
    fields = list(_fields_set(record, current))
    if all(field.now == field.before for field in fields):
        return _left(bare, Reason.SAME, "")
    changed = [f"{field.name} is {field.now}, and the run had set {field.ours}" for field in fields
               if field.now != field.ours]  # fmt: skip
    if changed:
        return _left(bare, Reason.CHANGED_SINCE, "; ".join(changed))
    back = [_first_set(field, first_set_to) for field in fields]
    ways = [field for field in back if field.before is not None and field.before != field.now]
    lost = [field.name for field in back if field.before is None]
    if not ways:
        return _left(bare, Reason.NO_UNDO, f"{' and '.join(lost)} cannot be cleared again")
    values = {field.field: field for field in ways}
    index = values.get(Fields.INDEX)
    return msgspec.structs.replace(
        bare,
        disposition=Disposition.UPDATE.value,
        direction=_direction(index).value,
        fields_mask=int(sum(values, Fields.NOTHING)),
        set_index=index.before if index else None,
        set_timestamp=values[Fields.TIMESTAMP].before if Fields.TIMESTAMP in values else None,
        set_level=values[Fields.LEVEL].before if Fields.LEVEL in values else None,
        pre_kind=PreconditionKind.EQUALS.value,
        pre_index=index.now if index else None,
        pre_level=values[Fields.LEVEL].now if Fields.LEVEL in values else None,
        pre_participant_sid=current.participant_sid,
        undo_class=UndoClass.FULL.value,
        undo_note=f"{' and '.join(lost)} cannot be cleared again and stays" if lost else None,
    )


def _first_set(field: _Field, first_set_to: int | None) -> _Field:
    if field.field is Fields.INDEX and field.before is None and first_set_to is not None:
        return _Field(field.name, field.field, field.ours, first_set_to, field.now)
    return field


def _direction(index: _Field | None) -> Direction:
    if index is None:
        return Direction.NONE
    return Direction.REWIND if index.before < index.now else Direction.ADVANCE


def _fields_set(record: RowRecord, current: Present) -> Iterator[_Field]:
    if record.sent_index is not None:
        yield _Field(
            "last_read_message_index", Fields.INDEX, record.sent_index, record.before_index,
            current.last_read_message_index,
        )  # fmt: skip
    if record.sent_timestamp is not None:
        now = current.last_read_timestamp
        yield _Field(
            "last_read_timestamp", Fields.TIMESTAMP, moment(record.sent_timestamp),
            None if record.before_timestamp is None else moment(record.before_timestamp),
            now.reason if isinstance(now, Unknown) else now,
        )  # fmt: skip
    if record.sent_level is not None:
        yield _Field(
            "notification_level", Fields.LEVEL, record.sent_level, record.before_level, current.notification_level
        )


def _as_seen(bare: PlanRow, current: Present, at: datetime) -> PlanRow:
    read_at = current.last_read_timestamp
    return msgspec.structs.replace(
        bare,
        participant_sid=current.participant_sid,
        before_index=current.last_read_message_index,
        before_timestamp=None if isinstance(read_at, Unknown) else read_at,
        before_level=current.notification_level,
        unread_before=current.unread_messages_count,
        conversation_state=current.conversation_state,
        newest_index=None,
        read_at=at,
        read_source="fetch",
    )


def _left(bare: PlanRow, reason: Reason, detail: str) -> PlanRow:
    return msgspec.structs.replace(
        bare, disposition=reason.disposition.value, reason_code=reason.value, reason_detail=detail or None
    )


def _nobody_is_removed(user_sid: str) -> int:
    raise AssertionError(f"an undo removes nobody, but {user_sid}")
