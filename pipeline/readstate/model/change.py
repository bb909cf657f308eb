"""What would be done about a line: a change, or a reason to send nothing."""

from datetime import datetime
from enum import IntFlag, StrEnum
from typing import Self

from msgspec import Struct

from readstate.model.desired import NotificationLevel


class Disposition(StrEnum):
    """What would be done about a line; only the first two are executable."""

    UPDATE = "update"
    DELETE = "delete"
    NOOP = "noop"
    SATISFIED = "satisfied"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    READ_ERROR = "read_error"

    @property
    def is_executable(self) -> bool:
        return self in {Disposition.UPDATE, Disposition.DELETE}


class Reason(StrEnum):
    """Why a line is not carried out: its code, its disposition, and its text."""

    disposition: Disposition
    words: str

    def __new__(cls, code: str, disposition: Disposition, words: str) -> Self:
        reason = str.__new__(cls, code)
        reason._value_ = code
        reason.disposition, reason.words = disposition, words
        return reason

    SAME = "SAME", Disposition.NOOP, "already has this value"
    DUPLICATE = "DUPLICATE", Disposition.NOOP, "the same as another line"
    EMPTY_CONVERSATION = "EMPTY_CONVERSATION", Disposition.NOOP, "the conversation has no message"
    ALREADY_FURTHER = "ALREADY_FURTHER", Disposition.SATISFIED, "already read further"
    REWIND = "REWIND", Disposition.BLOCKED, "would make read messages unread again; plan with --allow-rewind"
    TIMESTAMP_REWIND = (
        "TIMESTAMP_REWIND", Disposition.BLOCKED, "the timestamp would move back; plan with --allow-rewind"
    )  # fmt: skip
    FIRST_SET = "FIRST_SET", Disposition.BLOCKED, "never read before; plan with --allow-first-set"
    BEYOND_LATEST = (
        "BEYOND_LATEST", Disposition.BLOCKED, "beyond the newest message; plan with --allow-beyond-latest"
    )  # fmt: skip
    CLOSED = "CLOSED", Disposition.BLOCKED, "the conversation is closed; plan with --allow-closed"
    EXPECTATION_FAILED = "EXPECTATION_FAILED", Disposition.BLOCKED, "the expected value does not match"
    CONFLICT = "CONFLICT", Disposition.CONFLICT, "another line asks for something else"
    REJECTED = "REJECTED", Disposition.INVALID, "the line cannot be used; see rejects.csv"
    FUTURE_TIMESTAMP = "FUTURE_TIMESTAMP", Disposition.INVALID, "the timestamp is in the future"
    USER_NOT_FOUND = "USER_NOT_FOUND", Disposition.NOT_FOUND, "there is no such user"
    NOT_A_MEMBER = "NOT_A_MEMBER", Disposition.NOT_FOUND, "there is no such membership"
    UNREADABLE = "UNREADABLE", Disposition.READ_ERROR, "could not be read"
    NEWEST_UNKNOWN = "NEWEST_UNKNOWN", Disposition.READ_ERROR, "the newest message could not be read"
    PARTICIPANT_UNKNOWN = "PARTICIPANT_UNKNOWN", Disposition.READ_ERROR, "the participant could not be read"
    CHANGED_SINCE = "CHANGED_SINCE", Disposition.BLOCKED, "changed since the run that is to be undone"
    NO_UNDO = "NO_UNDO", Disposition.BLOCKED, "the change cannot be undone"


class Direction(StrEnum):
    """In which direction a read horizon would move."""

    FIRST_SET = "first_set"
    ADVANCE = "advance"
    REWIND = "rewind"
    SAME = "same"
    NONE = "-"


class Fields(IntFlag):
    """The fields that a change sets."""

    NOTHING = 0
    INDEX = 1
    TIMESTAMP = 2
    LEVEL = 4


class PreconditionKind(StrEnum):
    """What must still be true right before a change is sent."""

    ADVANCE = "advance"
    """The horizon is unset or below the new one."""
    EQUALS = "equals"
    """Each field that is set still has the value from before."""
    MEMBER = "member"
    """The same participant is still there."""
    NONE = "none"


class UndoClass(StrEnum):
    """How much of a change can be undone."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class Edit(Struct, frozen=True, kw_only=True):
    """Set what differs, and nothing else."""

    last_read_message_index: int | None
    last_read_timestamp: datetime | None
    notification_level: NotificationLevel | None
    direction: Direction
    precondition: PreconditionKind
    undo: UndoClass
    undo_note: str

    @property
    def fields(self) -> Fields:
        # Whole numbers first: combining flags one by one is slow, and plans have millions of rows.
        index, timestamp = self.last_read_message_index is not None, self.last_read_timestamp is not None
        return Fields(index + 2 * timestamp + 4 * (self.notification_level is not None))


class Remove(Struct, frozen=True):
    """Remove exactly this participant; a member added again has another SID."""

    participant_sid: str


class Skip(Struct, frozen=True):
    """Send nothing, and say why."""

    reason: Reason
    detail: str = ""


Change = Edit | Remove | Skip
