"""Parse one cell: text in, value out, or `BadCell` with what to do. Pure."""

import re
from datetime import UTC, datetime
from typing import Literal

from readstate.model.desired import LATEST, NOTIFICATION_LEVELS, NotificationLevel, Operation
from readstate.model.ids import is_sid

LARGEST_INDEX = 2**53 - 1
"""Larger numbers do not survive JSON readers that know only floating point."""
LONGEST_ID = 256
"""Twilio's limit for identities and unique names."""

_OPERATIONS = {operation.value: operation for operation in Operation}
_SID_KINDS = {
    "AC": "an account",
    "SK": "an API key",
    "IS": "a service",
    "US": "a user",
    "CH": "a conversation",
    "MB": "a participant",
    "IM": "a message",
}
_ALMOST_SID = re.compile(r"(?:US|CH)[0-9a-fA-F]{24,40}")
_ANY_SID = re.compile(rf"(?:{'|'.join(_SID_KINDS)})[0-9a-fA-F]{{32}}")
_DIGITS = re.compile(r"[0-9]{1,16}")
_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_DECIMAL = re.compile(r"[0-9]+[.,]0+")
# Spreadsheets group by comma, dot, apostrophe, space, no-break space or narrow no-break space.
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,' \u00a0\u202f][0-9]{3})+")
_DATE = re.compile(
    r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}(?:[ T].*)?|[0-9]{1,2}[-. ][A-Za-z]{3}(?:[-. ][0-9]{2,4})?"
)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060\ufeff]")
_OPENING_QUOTES = "“„«‘‚"
_CLOSING_QUOTES = "”“»’‘"


class BadCell(Exception):
    """The cell cannot be used; *code*, *message* and *hint* say why, and what to do."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def parse_user(text: str) -> str:
    """Accept a user SID or an identity. Raise `BadCell`."""
    return _parse_id(text, "US", "identity")


def parse_conversation(text: str) -> str:
    """Accept a conversation SID or a unique name. Raise `BadCell`."""
    return _parse_id(text, "CH", "unique name")


def has_invisible(text: str) -> bool:
    """Whether *text* holds an invisible character, such as a no-break space."""
    return not text.isascii() and _INVISIBLE.search(text) is not None


def parse_operation(text: str) -> Operation:
    """Accept ``update`` or ``delete``. Raise `BadCell`."""
    operation = _OPERATIONS.get(text)
    if operation is None:
        raise BadCell("E-OP", "this is not an operation", "Write update or delete, in lower case.")
    return operation


def parse_index(text: str) -> int:
    """Accept a message index: 0 or more, digits only. Raise `BadCell`."""
    if _DIGITS.fullmatch(text) and (index := int(text)) <= LARGEST_INDEX:
        return index
    raise _bad_index(text)


def parse_index_or_latest(text: str) -> int | Literal["@latest"]:
    """Accept a message index or ``@latest``. Raise `BadCell`."""
    return LATEST if text == LATEST else parse_index(text)


def parse_level(text: str) -> NotificationLevel:
    """Accept ``default`` or ``muted``. Raise `BadCell`."""
    for level in NOTIFICATION_LEVELS:
        if text == level:
            return level
    _refuse_null(text)
    raise BadCell("E-LEVEL", "this is not a notification level", "Write default or muted, in lower case.")


def parse_timestamp(text: str) -> tuple[datetime, bool]:
    """Accept RFC 3339 with an offset; return it in UTC, cut to the second, and whether a fraction was cut off.

    Twilio shows timestamps to the second: a fraction could never be read back. Raise `BadCell`.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise _bad_timestamp(text)
    if match[4] is None:
        raise BadCell(
            "E-OFFSET",
            "the timestamp has no offset from UTC",
            "Add Z for UTC, or an offset: 2026-11-23T18:02:00+01:00.",
        )
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[4].upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell("E-TIMESTAMP", "there is no such date or time", "Check month, day, hour and offset.") from None
    return moment, bool(match[3] and match[3].strip(".0"))


def _parse_id(text: str, prefix: str, alias: str) -> str:
    if is_sid(text, prefix):
        return text
    if not text:
        raise BadCell("E-MISSING", "the cell is empty", f"Write a SID ({prefix}…) or the {alias}.")
    _refuse_null(text)
    # DELETE /Users/US…/Conversations/.. is normalised by HTTP clients to DELETE /Users/US…, which deletes the user.
    if text in {".", ".."}:
        raise BadCell(
            "E-DOT-SEGMENT", "a request path made with it would address something else", f"Write the SID ({prefix}…)."
        )
    if _CONTROL.search(text):
        raise BadCell("E-CONTROL", "the cell holds a control character", f"Remove it, or write the SID ({prefix}…).")
    if text != text.strip() or _INVISIBLE.match(text) or _INVISIBLE.match(text[-1]):
        raise BadCell(
            "E-WHITESPACE",
            "the cell begins or ends with white space",
            f"Remove it; where the {alias} really has it, write the SID ({prefix}…).",
        )
    if text[0] in _OPENING_QUOTES and text[-1] in _CLOSING_QUOTES and len(text) > 1:
        raise BadCell(
            "E-SMART-QUOTES", "the cell is wrapped in typographic quotes", 'Remove them, or use straight ones (").'
        )
    if _ANY_SID.fullmatch(text):
        raise BadCell(
            "E-SID-KIND",
            f"this is the SID of {_SID_KINDS[text[:2]]}, not of {_SID_KINDS[prefix]}",
            "Are two columns swapped?",
        )
    if _ALMOST_SID.fullmatch(text):
        raise BadCell(
            "E-SID-LENGTH",
            f"this looks like a SID, but has {len(text)} characters and not 34",
            "Copy it again: something was cut off or added.",
        )
    if len(text) > LONGEST_ID:
        raise BadCell("E-TOO-LONG", f"{len(text)} characters, where Twilio allows 256", f"Check the {alias}.")
    return text


def _bad_index(text: str) -> BadCell:
    _refuse_null(text)
    if _SCIENTIFIC.fullmatch(text):
        return BadCell(
            "E-SCIENTIFIC", "a spreadsheet turned this number into powers of ten", "Format the column as text."
        )
    if _DECIMAL.fullmatch(text):
        return BadCell("E-DECIMAL", "an index is a whole number", "Remove the decimals: 12, not 12.0.")
    if _THOUSANDS.fullmatch(text):
        return BadCell("E-THOUSANDS", "the number has a thousands separator", "Write 1204, not 1,204.")
    if _DATE.fullmatch(text):
        return BadCell("E-DATE", "a spreadsheet turned this number into a date", "Format the column as text.")
    if text.strip() != text:
        return BadCell("E-WHITESPACE", "the cell begins or ends with white space", "Remove it.")
    if text.startswith("@"):
        return BadCell("E-INDEX", "the only word an index can be is @latest", "Write @latest or a number.")
    return BadCell("E-INDEX", "this is not a message index", "Write a whole number, 0 or more, or @latest.")


def _bad_timestamp(text: str) -> BadCell:
    _refuse_null(text)
    if _DATE.fullmatch(text) or _SCIENTIFIC.fullmatch(text):
        return BadCell(
            "E-DATE",
            "a spreadsheet changed this timestamp, and it is unclear which number is the day and which the month",
            "Format the column as text and write 2026-11-23T18:02:00Z.",
        )
    return BadCell("E-TIMESTAMP", "this is not an RFC 3339 timestamp", "Write it like 2026-11-23T18:02:00Z.")


def _refuse_null(text: str) -> None:
    if text in {"\\N", "null", "NULL"}:
        raise BadCell(
            "E-NULL-UNSUPPORTED",
            "a value cannot be cleared: the index may be null, but what Twilio does with an update to it is unknown",
            "Leave the cell empty to leave the value alone.",
        )
