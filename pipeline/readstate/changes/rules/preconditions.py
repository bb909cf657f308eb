"""Whether a row may still be sent, given the membership that was read right before. Pure."""

import json
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from readstate.model.change import Direction, Fields, PreconditionKind
from readstate.model.membership import Absent, Current, Present, Unknown, Unreadable
from readstate.model.plan import PlanRow

_FIELDS = dict(
    zip(("last_read_message_index", "last_read_timestamp", "notification_level"), map(int, Fields), strict=True)
)
"""The fields of a membership in the order of `Fields`, as whole numbers: flags take ten times as long."""


class RowState(StrEnum):
    """Where a membership stands between its state in the plan and the state that its row asks for."""

    AT_TARGET = "at_target"
    AT_BEFORE = "at_before"
    BEYOND = "beyond"
    """The user has read further than the row asks for."""
    ELSEWHERE = "elsewhere"
    GONE = "gone"
    UNREADABLE = "unreadable"


class Ready(Struct, frozen=True):
    """The membership is as planned: the row may be sent."""


class Satisfied(Struct, frozen=True):
    """The membership is already as the row asks for: nothing is sent."""

    reason: str


class Drifted(Struct, frozen=True):
    """The membership is no longer as planned: nothing is sent."""

    reason: str
    detail: str


class Gone(Struct, frozen=True):
    """There is no membership to change."""


Check = Ready | Satisfied | Drifted | Gone | Unreadable


def is_removal(row: PlanRow) -> bool:
    """Return whether *row* removes a member; all others update one."""
    return row.pre_kind == PreconditionKind.MEMBER


def row_state(row: PlanRow, current: Current) -> RowState:
    """Return where *current* stands for *row*, an update or a removal."""
    match current:
        case Unreadable():
            return RowState.UNREADABLE
        case Absent():
            return RowState.AT_TARGET if is_removal(row) else RowState.GONE
        case Present() if _names_no_participant(row, current):
            return RowState.UNREADABLE
        case Present() if _is_replaced(row, current):
            return RowState.ELSEWHERE
        case Present() if is_removal(row):
            return RowState.AT_BEFORE
        case Present() if _unknown_timestamp(row, current) is not None:
            return RowState.UNREADABLE
        case Present():
            return _state_of_fields(row, current)


def check_precondition(row: PlanRow, current: Current) -> Check:
    """Return whether *row*, an update or a removal, may be sent to a membership that is *current*, or why not."""
    match current:
        case Unreadable():
            return current
        case Absent():
            return Satisfied("ALREADY_GONE") if is_removal(row) else Gone()
        case Present():
            return _check_present(row, current)


def _check_present(row: PlanRow, current: Present) -> Check:
    if _names_no_participant(row, current):
        return Unreadable("the answer names no participant")
    if _is_replaced(row, current):
        return Drifted("MEMBER_REPLACED", f"the member is {current.participant_sid}, not {row.pre_participant_sid}")
    # Closed since the plan. One that was closed already was allowed by its author (--allow-closed).
    if current.conversation_state == "closed" != row.conversation_state:
        return Drifted("CLOSED", "the conversation was closed meanwhile")
    if not _has_precondition(row):
        return Drifted("NO_PRECONDITION", f"the row has no usable precondition (pre_kind {row.pre_kind!r})")
    if (unknown := _unknown_timestamp(row, current)) is not None:
        return Unreadable(unknown)
    match RowState.AT_BEFORE if is_removal(row) else _state_of_fields(row, current):
        case RowState.AT_BEFORE if broken := _broken_expectations(row, current):
            return Drifted("EXPECTATION_FAILED", "; ".join(broken))
        case RowState.AT_BEFORE:
            return Ready()
        case RowState.AT_TARGET:
            return Satisfied("SAME")
        case RowState.BEYOND if row.pre_kind == PreconditionKind.ADVANCE:
            return Satisfied("ALREADY_FURTHER")
        case _:
            return Drifted("CHANGED", "; ".join(_not_as_before(row, current)))


def _has_precondition(row: PlanRow) -> bool:
    """Return whether *row* says what must hold before it is sent, and sets exactly the fields that it names."""
    # A mask that contradicts the values would mean that something is sent that was never compared.
    values = (row.set_index, row.set_timestamp, row.set_level)
    if row.fields_mask != sum(
        field for field, value in zip(_FIELDS.values(), values, strict=True) if value is not None
    ):
        return False
    match row.pre_kind:
        case PreconditionKind.MEMBER:
            return row.pre_participant_sid is not None and row.fields_mask == Fields.NOTHING
        case PreconditionKind.ADVANCE:
            return row.fields_mask == Fields.INDEX
        case PreconditionKind.EQUALS:
            return row.fields_mask != Fields.NOTHING
        case _:
            return False


def _unknown_timestamp(row: PlanRow, current: Present) -> str | None:
    """Return why the timestamp that *row* sets is not known; None where it is known, or not set."""
    read_at = current.last_read_timestamp
    if isinstance(read_at, Unknown) and row.fields_mask & _FIELDS["last_read_timestamp"]:
        return f"last_read_timestamp: {read_at.reason}"
    return None


def _names_no_participant(row: PlanRow, current: Present) -> bool:
    return row.pre_participant_sid is not None and current.participant_sid is None


def _is_replaced(row: PlanRow, current: Present) -> bool:
    # A member who was removed and added again has another participant SID: not the one that was planned for.
    return row.pre_participant_sid is not None and row.pre_participant_sid != current.participant_sid


def _state_of_fields(row: PlanRow, current: Present) -> RowState:
    if not _differences(row, current, (row.set_index, row.set_timestamp, row.set_level)):
        return RowState.AT_TARGET
    target, horizon = row.set_index, current.last_read_message_index
    if row.pre_kind == PreconditionKind.ADVANCE and target is not None:
        return RowState.AT_BEFORE if horizon is None or horizon < target else RowState.BEYOND
    if not _not_as_before(row, current):
        return RowState.AT_BEFORE
    forward = row.direction in {Direction.ADVANCE, Direction.FIRST_SET}
    if row.fields_mask == Fields.INDEX and forward and horizon is not None and target is not None and horizon > target:
        return RowState.BEYOND
    return RowState.ELSEWHERE


def _not_as_before(row: PlanRow, current: Present) -> list[str]:
    return _differences(row, current, (row.pre_index, row.before_timestamp, row.pre_level))


def _differences(row: PlanRow, current: Present, wanted: tuple[int | None, datetime | None, str | None]) -> list[str]:
    """Return the fields that *row* sets and that have another value than *wanted*, in words."""
    read_at = current.last_read_timestamp
    now = (
        current.last_read_message_index,
        None if isinstance(read_at, Unknown) else _whole_seconds(read_at),
        current.notification_level,
    )
    then = (wanted[0], _whole_seconds(wanted[1]), wanted[2])
    return [
        f"{name} is {is_now}, not {was}"
        for (name, field), was, is_now in zip(_FIELDS.items(), then, now, strict=True)
        if row.fields_mask & field and was != is_now
    ]


def _broken_expectations(row: PlanRow, current: Present) -> list[str]:
    """Return what the author of the line expected (``expect_…``) and does not hold, in words."""
    if row.user_expect_json is None:
        return []
    return [
        f"{name} is {getattr(current, name)}, not {expected}"
        for name, expected in json.loads(row.user_expect_json).items()
        if getattr(current, name) != expected
    ]


def _whole_seconds(moment: datetime | None) -> datetime | None:
    # Twilio shows whole seconds: a fraction is no difference.
    return None if moment is None else moment.replace(microsecond=0)
