"""Turn a line, its current state and its change into one row of a plan. Pure."""

import json
from typing import Any

from readstate.changes.input.intents import Intent
from readstate.changes.input.staging import LineStatus
from readstate.changes.planning.workspace_rows import Line
from readstate.model.change import (
    Change,
    Direction,
    Disposition,
    Edit,
    Fields,
    PreconditionKind,
    Reason,
    Remove,
    Skip,
    UndoClass,
)
from readstate.model.desired import Operation, Removal
from readstate.model.membership import Present, Unknown
from readstate.model.plan import PlanRow

# Whole sets of columns, merged by |: one dictionary a row instead of 34 conditions.
_NOTHING_BEFORE: dict[str, Any] = dict.fromkeys(
    ("user_sid", "conversation_sid", "participant_sid", "before_index", "before_timestamp", "before_level",
     "unread_before", "conversation_state", "newest_index")
)  # fmt: skip
_NO_CHANGE: dict[str, Any] = {
    **dict.fromkeys(
        ("reason_code", "reason_detail", "set_index", "set_timestamp", "set_level", "pre_index", "pre_level",
         "pre_participant_sid", "undo_class", "undo_note")
    ),
    "direction": Direction.NONE.value,
    "fields_mask": 0,
    "pre_kind": PreconditionKind.NONE.value,
}  # fmt: skip
_INDEX, _LEVEL = Fields.INDEX.value, Fields.LEVEL.value
_REASONS = {
    LineStatus.REJECTED: Reason.REJECTED,
    LineStatus.DUPLICATE: Reason.DUPLICATE,
    LineStatus.CONFLICT: Reason.CONFLICT,
}
_REMOVAL_NOTE = "adding the user again makes a new member"


def to_plan_row(line: Line, change: Change, *, plan_row_id: int) -> PlanRow:
    """Return the row of the plan for *line* and *change*."""
    intent = line.intent
    before = line.current if isinstance(line.current, Present) else None
    return PlanRow(
        plan_row_id=plan_row_id,
        input_line=intent.line,
        input_line_end=intent.line_end,
        row_key=intent.row_key,
        note=intent.note,
        user_input=intent.user,
        conversation_input=intent.conversation,
        op=Operation.DELETE.value if isinstance(intent.desired, Removal) else Operation.UPDATE.value,
        user_expect_json=_expectation(intent),
        read_at=line.read_at,
        read_source=line.source,
        **_before_columns(before),
        **_change_columns(change, before),
    )


def skip_by_status(line: Line) -> Skip | None:
    """Return why the file itself rules *line* out; None where it does not."""
    return None if line.status is None else Skip(_REASONS[line.status], line.status_detail or "")


def _before_columns(before: Present | None) -> dict[str, Any]:
    if before is None:
        return _NOTHING_BEFORE
    timestamp, newest = before.last_read_timestamp, before.newest_message_index
    return {
        "user_sid": before.user_sid,
        "conversation_sid": before.conversation_sid,
        "participant_sid": before.participant_sid,
        "before_index": before.last_read_message_index,
        "before_timestamp": None if isinstance(timestamp, Unknown) else timestamp,
        "before_level": before.notification_level,
        "unread_before": before.unread_messages_count,
        "conversation_state": before.conversation_state,
        "newest_index": None if isinstance(newest, Unknown) else newest,
    }


def _change_columns(change: Change, before: Present | None) -> dict[str, Any]:
    match change:
        case Skip(reason, detail):
            return _NO_CHANGE | {
                "disposition": reason.disposition.value,
                "reason_code": reason.value,
                "reason_detail": detail or None,
            }
        case Remove(participant_sid):
            return _NO_CHANGE | {
                "disposition": Disposition.DELETE.value,
                "pre_kind": PreconditionKind.MEMBER.value,
                "pre_participant_sid": participant_sid,
                "undo_class": UndoClass.NONE.value,
                "undo_note": _REMOVAL_NOTE,
            }
        case Edit():
            assert before is not None
            fields = change.fields.value
            return _NO_CHANGE | {
                "disposition": Disposition.UPDATE.value,
                "direction": change.direction.value,
                "fields_mask": fields,
                "set_index": change.last_read_message_index,
                "set_timestamp": change.last_read_timestamp,
                "set_level": change.notification_level,
                "pre_kind": change.precondition.value,
                "pre_index": before.last_read_message_index if fields & _INDEX else None,
                "pre_level": before.notification_level if fields & _LEVEL else None,
                "pre_participant_sid": before.participant_sid,
                "undo_class": change.undo.value,
                "undo_note": change.undo_note or None,
            }


def _expectation(intent: Intent) -> str | None:
    expected = {
        "last_read_message_index": intent.expectation.last_read_message_index,
        "notification_level": intent.expectation.notification_level,
    }
    given = {name: value for name, value in expected.items() if value is not None}
    return json.dumps(given, sort_keys=True) if given else None
