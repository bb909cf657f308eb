"""Whether a row may still be sent, given what was read right before. Pure."""

import json
from dataclasses import dataclass
from datetime import datetime

from readstate.model.change import Fields, PreconditionKind
from readstate.model.membership import Absent, Current, Present, Unknown, Unreadable
from readstate.model.plan import PlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFields:
    """Send these values, and no other field."""

    last_read_message_index: int | None
    last_read_timestamp: datetime | None
    notification_level: str | None


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Remove exactly this participant."""

    participant_sid: str


Sending = SetFields | RemoveMember


@dataclass(frozen=True, slots=True)
class Go:
    """The row is as it was planned for: send this."""

    sending: Sending


@dataclass(frozen=True, slots=True)
class Already:
    """Somebody else made it so: nothing is left to send."""

    reason: str


@dataclass(frozen=True, slots=True)
class Drifted:
    """The row is no longer as it was planned for: send nothing, and tell."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Missing:
    """There is nothing left to change."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """It could not be read, so nothing may be sent."""

    detail: str


Verdict = Go | Already | Drifted | Missing | Unclear


def judge(row: PlanRow, current: Current) -> Verdict:
    """Say whether *row*, an update or a removal, may be sent to a membership that is *current*."""
    match current:
        case Unreadable(detail):
            return Unclear(detail)
        case Absent():
            return Already("ALREADY_GONE") if row.pre_kind == PreconditionKind.MEMBER else Missing()
        case Present():
            return _judge_present(row, current)


def _judge_present(row: PlanRow, current: Present) -> Verdict:
    planned = row.pre_participant_sid
    if planned is not None and current.participant_sid is None:
        return Unclear("the answer names no participant")
    if planned is not None and planned != current.participant_sid:
        return Drifted("MEMBER_REPLACED", f"the member is {current.participant_sid}, not {planned}")
    if current.conversation_state == "closed" != row.conversation_state:
        return Drifted("CLOSED", "the conversation was closed meanwhile")
    match row.pre_kind:
        case PreconditionKind.MEMBER if planned is not None:
            return _unless_unexpected(row, current, Go(RemoveMember(planned)))
        case PreconditionKind.ADVANCE:
            return _judge_advance(row, current)
        case PreconditionKind.EQUALS:
            return _judge_equals(row, current)
        case _:
            return Drifted("NO_PRECONDITION", f"nobody knows what must hold before a {row.op}: {row.pre_kind!r}")


def _judge_advance(row: PlanRow, current: Present) -> Verdict:
    target, horizon = row.set_index, current.last_read_message_index
    if target is None or row.fields_mask != Fields.INDEX:
        return Drifted("NO_PRECONDITION", "only a read horizon alone can advance")
    if horizon is not None and horizon >= target:
        return Already("SAME" if horizon == target else "ALREADY_FURTHER")
    return _unless_unexpected(row, current, Go(_fields(index=target)))


def _judge_equals(row: PlanRow, current: Present) -> Verdict:
    if (unknown := timestamp_unknown(row, current)) is not None:
        return Unclear(unknown)
    if at_target(row, current):
        return Already("SAME")
    if differences := not_as_before(row, current):
        return Drifted("CHANGED", "; ".join(differences))
    fields = Fields(row.fields_mask)
    return _unless_unexpected(
        row,
        current,
        Go(
            _fields(
                index=row.set_index if Fields.INDEX in fields else None,
                timestamp=row.set_timestamp if Fields.TIMESTAMP in fields else None,
                level=row.set_level if Fields.LEVEL in fields else None,
            )
        ),
    )


def timestamp_unknown(row: PlanRow, current: Present) -> str | None:
    """Why the timestamp that *row* sets is not known; None where it is, or is not asked for."""
    read_at = current.last_read_timestamp
    if Fields.TIMESTAMP in Fields(row.fields_mask) and isinstance(read_at, Unknown):
        return f"last_read_timestamp: {read_at.reason}"
    return None


def at_target(row: PlanRow, current: Present) -> bool:
    """Whether each field that *row* sets has its new value."""
    return not _differences(row, current, (row.set_index, row.set_timestamp, row.set_level))


def not_as_before(row: PlanRow, current: Present) -> list[str]:
    """The fields that *row* sets and that no longer have the value from before, in words."""
    return _differences(row, current, (row.pre_index, row.before_timestamp, row.pre_level))


def _differences(row: PlanRow, current: Present, wanted: tuple[int | None, datetime | None, str | None]) -> list[str]:
    read_at = current.last_read_timestamp
    now = (
        current.last_read_message_index,
        None if isinstance(read_at, Unknown) else _whole(read_at),
        current.notification_level,
    )
    names = ("last_read_message_index", "last_read_timestamp", "notification_level")
    then = (wanted[0], _whole(wanted[1]), wanted[2])
    fields = Fields(row.fields_mask)
    return [
        f"{name} is {is_now}, not {was}"
        for name, field, was, is_now in zip(names, Fields, then, now, strict=True)
        if field in fields and was != is_now
    ]


def _unless_unexpected(row: PlanRow, current: Present, go: Go) -> Go | Drifted:
    """Hold the row to what its author wrote down as expected."""
    if row.user_expect_json is None:
        return go
    broken = [
        f"{name} is {getattr(current, name)}, not {expected}"
        for name, expected in json.loads(row.user_expect_json).items()
        if getattr(current, name) != expected
    ]
    return Drifted("EXPECTATION_FAILED", "; ".join(broken)) if broken else go


def _fields(*, index: int | None = None, timestamp: datetime | None = None, level: str | None = None) -> SetFields:
    return SetFields(last_read_message_index=index, last_read_timestamp=timestamp, notification_level=level)


def _whole(moment: datetime | None) -> datetime | None:
    """Twilio shows whole seconds: a fraction is no difference."""
    return None if moment is None else moment.replace(microsecond=0)
