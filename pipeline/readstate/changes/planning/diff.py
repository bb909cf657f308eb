"""Compare the change that a line asks for with the current membership. Pure."""

from datetime import datetime

from readstate.changes.input.intents import Intent
from readstate.changes.planning.options import PlanOptions
from readstate.model.change import (
    Change,
    Direction,
    Disposition,
    Edit,
    PreconditionKind,
    Reason,
    Remove,
    Skip,
    UndoClass,
)
from readstate.model.desired import LATEST, Expectation, NotificationLevel, Removal, Update
from readstate.model.membership import Absent, Current, Present, Unknown, Unreadable
from readstate.model.plan import Mode
from readstate.text import format_moment

_Horizon = tuple[int | None, Direction]


def diff(intent: Intent, current: Current, options: PlanOptions, now: datetime) -> Change:
    """Return what *intent* would do to *current* under *options*, at *now* by the server's clock."""
    match current:
        case Absent(reason):
            return Skip(reason)
        case Unreadable(detail):
            return Skip(Reason.UNREADABLE, detail)
        case Present():
            return _broken_expectation(intent.expectation, current) or _changed(intent, current, options, now)


def _changed(intent: Intent, current: Present, options: PlanOptions, now: datetime) -> Change:
    match intent.desired:
        case Removal():
            return _closed(current, options) or _removed(current)
        case Update() as desired:
            return _updated(desired, current, options, now)


def _removed(current: Present) -> Remove | Skip:
    if current.participant_sid is None:
        return Skip(Reason.PARTICIPANT_UNKNOWN, "the answer names no participant")
    if isinstance(current.last_read_timestamp, Unknown):
        # A removal cannot be undone: nothing is removed whose participant was not saved first.
        return Skip(Reason.PARTICIPANT_UNKNOWN, current.last_read_timestamp.reason)
    return Remove(current.participant_sid)


def _updated(desired: Update, current: Present, options: PlanOptions, now: datetime) -> Change:
    # A line is carried out whole or not at all: a blocked field blocks the others, one that is right already does not.
    horizon = _read_up_to(desired, current, options)
    if isinstance(horizon, Skip) and not _is_harmless(horizon):
        return horizon
    moment = _read_at(desired, current, options, now)
    if isinstance(moment, Skip):
        return moment
    level = desired.notification_level if desired.notification_level != current.notification_level else None
    index, direction = (None, Direction.NONE) if isinstance(horizon, Skip) else horizon
    if index is None and moment is None and level is None:
        return horizon if isinstance(horizon, Skip) else Skip(Reason.SAME)
    # Asked last: a line that changes nothing is a no-op in a closed conversation, too.
    if (closed := _closed(current, options)) is not None:
        return closed
    undo, undo_note = _undo(current, index=index, moment=moment)
    return Edit(
        last_read_message_index=index,
        last_read_timestamp=moment,
        notification_level=level,
        direction=direction,
        precondition=_precondition(options.mode, direction, moment=moment, level=level),
        undo=undo,
        undo_note=undo_note,
    )


def _read_up_to(desired: Update, current: Present, options: PlanOptions) -> _Horizon | Skip:
    """Return the index to set (None where it is right already), and where that moves the horizon."""
    wanted, before, newest = (
        desired.last_read_message_index,
        current.last_read_message_index,
        current.newest_message_index,
    )
    if wanted is None:
        return None, Direction.NONE
    if wanted == LATEST:
        # null is a third state, neither read nor unread: "@latest" alone does not say that it should be left.
        if before is None and not options.allow_first_set:
            return Skip(Reason.FIRST_SET)
        if isinstance(newest, Unknown):
            return Skip(Reason.NEWEST_UNKNOWN, newest.reason)
        if newest is None:
            return Skip(Reason.EMPTY_CONVERSATION)
        if before is not None and newest < before and options.mode is Mode.ADVANCE:
            return Skip(Reason.ALREADY_FURTHER, f"read up to {before}, newest is {newest}")
    target = newest if wanted == LATEST else wanted
    assert isinstance(target, int)
    if before is None:
        return _unless_beyond(target, Direction.FIRST_SET, newest, options)
    if target == before:
        return None, Direction.SAME
    if target > before:
        return _unless_beyond(target, Direction.ADVANCE, newest, options)
    if not options.allow_rewind:
        return Skip(Reason.REWIND, f"{before} -> {target}")
    return target, Direction.REWIND


def _unless_beyond(
    target: int, direction: Direction, newest: int | Unknown | None, options: PlanOptions
) -> _Horizon | Skip:
    # A horizon beyond the newest message would hide every message still to come.
    if options.allow_beyond_latest:
        return target, direction
    match newest:
        case Unknown(reason):
            return Skip(Reason.NEWEST_UNKNOWN, reason)
        case None:
            return Skip(Reason.BEYOND_LATEST, f"{target}, and the conversation is empty")
        case int() if target > newest:
            return Skip(Reason.BEYOND_LATEST, f"{target}, and the newest message is {newest}")
        case _:
            return target, direction


def _read_at(desired: Update, current: Present, options: PlanOptions, now: datetime) -> datetime | Skip | None:
    """Return the timestamp to set; None where there is nothing to set."""
    wanted, before = desired.last_read_timestamp, current.last_read_timestamp
    if wanted is None:
        return None
    if wanted > now:
        return Skip(Reason.FUTURE_TIMESTAMP, f"it is {format_moment(now)} on the server")
    if isinstance(before, Unknown):
        return Skip(Reason.PARTICIPANT_UNKNOWN, before.reason)
    if before is not None and wanted < before.replace(microsecond=0) and not options.allow_rewind:
        return Skip(
            Reason.TIMESTAMP_REWIND,
            f"{format_moment(before)} -> {format_moment(wanted)} goes back",
        )
    # Twilio shows whole seconds, and so does the file: a fraction is not a difference.
    return wanted if before is None or wanted != before.replace(microsecond=0) else None


def _broken_expectation(expected: Expectation, current: Present) -> Skip | None:
    pairs = (
        ("last_read_message_index", expected.last_read_message_index, current.last_read_message_index),
        ("notification_level", expected.notification_level, current.notification_level),
    )
    broken = [f"{name} is {now}, not {then}" for name, then, now in pairs if then is not None and then != now]
    return Skip(Reason.EXPECTATION_FAILED, "; ".join(broken)) if broken else None


def _closed(current: Present, options: PlanOptions) -> Skip | None:
    if current.conversation_state == "closed" and not options.allow_closed:
        return Skip(Reason.CLOSED)
    return None


def _is_harmless(skip: Skip) -> bool:
    """Whether the rest of the line may still be carried out."""
    return skip.reason.disposition in {Disposition.NOOP, Disposition.SATISFIED}


def _precondition(
    mode: Mode, direction: Direction, *, moment: datetime | None, level: NotificationLevel | None
) -> PreconditionKind:
    # Only a horizon has an order, so only it can be checked by "still below the target" instead of "still the same".
    only_forward = direction in {Direction.FIRST_SET, Direction.ADVANCE} and moment is None and level is None
    return PreconditionKind.ADVANCE if mode is Mode.ADVANCE and only_forward else PreconditionKind.EQUALS


def _undo(current: Present, *, index: int | None, moment: datetime | None) -> tuple[UndoClass, str]:
    if moment is not None and current.last_read_timestamp is None:
        return UndoClass.NONE, "the timestamp was never set and cannot be cleared again"
    if index is not None and current.last_read_message_index is None:
        return UndoClass.PARTIAL, "the horizon was never set and cannot be cleared again"
    return UndoClass.FULL, ""
