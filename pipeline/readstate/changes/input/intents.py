"""Parse one record of a changes file: cells in, an intent or problems out. Pure."""

from operator import itemgetter

import msgspec

from readstate.input import cells
from readstate.input.cell_reader import CellReader
from readstate.input.cells import BadCell
from readstate.input.csv_reader import Record
from readstate.input.header import Columns
from readstate.input.problems import shortened
from readstate.input.table import OnProblem
from readstate.model.desired import DesiredChange, Expectation, Operation, Removal, Update

COLUMNS = Columns(
    (
        "user",
        "conversation",
        "op",
        "last_read_message_index",
        "last_read_timestamp",
        "notification_level",
        "expect_last_read_message_index",
        "expect_notification_level",
        "row_key",
        "note",
    ),
    required=("user", "conversation"),
)
_SETTABLE = ("last_read_message_index", "last_read_timestamp", "notification_level")
_LONGEST_TEXT = 256
_NO_EXPECTATION = Expectation()
_REMOVAL = Removal()


# Structs and not dataclasses: a million of them are made in half the time.
class Intent(msgspec.Struct, frozen=True, gc=False):
    """One usable line: a membership, and the change that is desired."""

    line: int
    line_end: int
    user: str
    """A user SID or an identity, as written."""
    conversation: str
    """A conversation SID or a unique name, as written."""
    desired: DesiredChange
    expectation: Expectation = _NO_EXPECTATION
    row_key: str | None = None
    note: str | None = None


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A line that cannot be used; its cells are kept for the record."""

    line: int
    line_end: int
    code: str
    user: str = ""
    conversation: str = ""
    operation: str = ""


class IntentParser:
    """Parses the records of one file, whose header and operation are known."""

    def __init__(self, header: tuple[str, ...], operation: Operation | None, report: OnProblem) -> None:
        """Prepare for *header*; *operation* applies to lines without one of their own."""
        self._operation = operation
        self._attempt = CellReader(report)
        # Every record gets an empty cell at its end, for the columns that the file does not have.
        self._pick = itemgetter(*(header.index(name) if name in header else -1 for name in COLUMNS.known))

    def parse(self, record: Record) -> Intent | Rejected:
        """Return what *record* asks for; every problem with it has been reported."""
        (user_text, conversation_text, op_text, index_text, timestamp_text, level_text, expect_index_text,
         expect_level_text, row_key, note) = self._pick([*record.cells, ""])  # fmt: skip
        attempt = self._attempt.begin(record)
        user = attempt.read("user", user_text, cells.parse_user)
        conversation = attempt.read("conversation", conversation_text, cells.parse_conversation)
        operation = self._read_operation(attempt, op_text)
        expectation = _NO_EXPECTATION
        if expect_index_text or expect_level_text:
            expectation = Expectation(
                last_read_message_index=attempt.read_optional(
                    "expect_last_read_message_index", expect_index_text, cells.parse_index
                ),
                notification_level=attempt.read_optional(
                    "expect_notification_level", expect_level_text, cells.parse_level
                ),
            )
        values = (index_text, timestamp_text, level_text)
        desired = _read_removal(attempt, values) if operation is Operation.DELETE else _read_update(attempt, values)
        for column, text in (("row_key", row_key), ("note", note)):
            if text and len(text) > _LONGEST_TEXT:
                attempt.fail(column, text, BadCell("E-TOO-LONG", f"{len(text)} characters", "Keep it to 256."))
        if attempt.first_error is not None or user is None or conversation is None:
            return Rejected(
                record.line, record.line_end, attempt.first_error or "E-MISSING",
                shortened(user_text), shortened(conversation_text), operation or "",
            )  # fmt: skip
        return Intent(
            record.line, record.line_end, user, conversation, desired, expectation, row_key or None, note or None
        )

    def _read_operation(self, attempt: CellReader, text: str) -> Operation | None:
        if not text:
            if self._operation is None:
                attempt.fail("op", text, BadCell("E-OP", "the cell is empty", "Write update or delete, or use --op."))
            return self._operation
        operation = attempt.read("op", text, cells.parse_operation)
        if operation is not None and self._operation not in {None, operation}:
            attempt.fail(
                "op", text, BadCell("E-OP", f"the line says {operation}, the command --op {self._operation}",
                                    "Drop one of the two.")
            )  # fmt: skip
        return operation


def _read_update(attempt: CellReader, texts: tuple[str, str, str]) -> Update:
    index_text, timestamp_text, level_text = texts
    if not any(texts) and attempt.first_error != "E-OP":
        attempt.fail(
            "", "", BadCell("E-NOTHING-TO-SET", "an update that sets nothing", f"Fill one of {', '.join(_SETTABLE)}.")
        )
    moment = attempt.read_optional("last_read_timestamp", timestamp_text, cells.parse_timestamp)
    if moment is not None and moment[1]:
        attempt.report(
            "last_read_timestamp", timestamp_text, "W-FRACTION", "the part below a second is cut off",
            "Twilio shows timestamps to the second.",
        )  # fmt: skip
    return Update(
        last_read_message_index=attempt.read_optional(
            "last_read_message_index", index_text, cells.parse_index_or_latest
        ),
        last_read_timestamp=moment and moment[0],
        notification_level=attempt.read_optional("notification_level", level_text, cells.parse_level),
    )


def _read_removal(attempt: CellReader, texts: tuple[str, str, str]) -> Removal:
    for column, text in zip(_SETTABLE, texts, strict=True):
        if text:
            attempt.fail(
                column,
                text,
                BadCell("E-DELETE-WITH-VALUES", "a delete sets nothing", "Empty the cell, or write update."),
            )
    return _REMOVAL
