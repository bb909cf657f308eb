"""Parse one cell: text in, value out, or `BadCell` with what to do. Pure."""

import re
import unicodedata
from collections.abc import Iterator
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
_DAMAGED_NUMBER = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+")
_DECIMAL = re.compile(r"[0-9]+[.,]0+")
# Spreadsheets group by comma, dot, apostrophe, space, no-break space or narrow no-break space.
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,' \u00a0\u202f][0-9]{3})+")
_DATE = re.compile(
    r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}(?:[ T].*)?|[0-9]{1,2}[-. ][A-Za-z]{3}(?:[-. ][0-9]{2,4})?"
)
_YEAR_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# RFC 3339, and offsets as databases print them: +00, +0530, a space before either, and UTC.
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?(?: ?(?:([Zz]|UTC)|([+-]\d\d)(?::?(\d\d))?))?", re.ASCII
)
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_FIRST_YEAR = 2008
"""Twilio's first: nothing was read in it before."""
_NEVER = {
    "0000-00-00": "the zero of MySQL",
    "0001-01-01": "the zero of Go, Java and .NET",
    "1601-01-01": "the zero of Windows",
    "1753-01-01": "the smallest date of SQL Server",
    "1899-12-30": "the zero of a spreadsheet",
    "1899-12-31": "the zero of a spreadsheet",
    "1900-01-01": "the zero of a spreadsheet",
    "1904-01-01": "the zero of a spreadsheet",
    "1970-01-01": "the zero of Unix",
    "9999-12-31": "the largest date of databases",
}
_NO_VALUE = frozenset({
    "\\N", "null", "NULL", "(null)", "<null>", "[NULL]", "nan", "NaN", "-nan", "None", "<NA>", "NaT", "#N/A", "N/A",
    "nil", "undefined",
})  # fmt: skip
"""Words for no value, of SQL, pandas, spreadsheets and programming languages."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Every blank but the space, and what has no width: soft hyphens, fillers, joiners, direction marks, tags.
_INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ufeff\uffa0\U000e0000-\U000e007f]"
)
_BLANK = re.compile(rf"{_CONTROL.pattern}| |{_INVISIBLE.pattern}")
_CONTROL_NAMES = {"\t": "tab", "\n": "line end", "\r": "line end", "\0": "NUL"}
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


def parse_conversation_sid(text: str) -> str:
    """Accept a conversation SID, and no unique name. Raise `BadCell`."""
    if is_sid(parse_conversation(text), "CH"):
        return text
    raise BadCell("E-CONVERSATION", "this is not a conversation's SID", "A SID is CH and 32 hex digits.")


def parse_service(text: str) -> str | None:
    """Accept a service SID; None for an empty cell or ``default``. Raise `BadCell`."""
    if is_sid(text, "IS"):
        return text
    if text in {"", "default"}:
        return None
    raise BadCell("E-SERVICE", "this is not a service's SID", "Write IS and 32 hex digits, or leave the cell empty.")


def doubts_about(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield code, message and hint of each reason to doubt *text*, which may be right nevertheless."""
    if (found := _INVISIBLE.search(text)) is not None:
        yield "W-INVISIBLE", f"the cell holds {_named(found[0])}", "Check that it belongs there."
    if not unicodedata.is_normalized("NFC", text):
        yield (
            "W-DECOMPOSED",
            "letters and their accents are separate characters (decomposed Unicode)",
            "macOS writes file names so. Unless the name was made so, too, it will not be found: convert it to NFC.",
        )


def parse_operation(text: str) -> Operation:
    """Accept ``update`` or ``delete``. Raise `BadCell`."""
    operation = _OPERATIONS.get(text)
    if operation is None:
        _refuse_blanks(text)
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
    _refuse_no_value(text)
    _refuse_blanks(text)
    raise BadCell("E-LEVEL", "this is not a notification level", "Write default or muted, in lower case.")


def parse_timestamp(text: str) -> tuple[datetime, bool]:
    """Accept RFC 3339 with an offset; return it in UTC, cut to the second, and whether a fraction was cut off.

    Twilio shows timestamps to the second: a fraction could never be read back. Raise `BadCell`.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise _bad_timestamp(text)
    day, time, fraction, utc, hours, minutes = match.groups()
    if utc is None and hours is None:
        raise BadCell(
            "E-OFFSET",
            "the timestamp has no offset from UTC",
            "Add Z for UTC, or an offset: 2026-11-23T18:02:00+01:00.",
        )
    offset = "Z" if utc else f"{hours}:{minutes or '00'}"
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{offset}").astimezone(UTC)
    except OverflowError:  # beyond the first or the last day there is
        raise _never(day) from None
    except ValueError:
        if day in _NEVER:
            raise _never(day) from None
        raise BadCell("E-TIMESTAMP", "there is no such date or time", "Check month, day, hour and offset.") from None
    if day in _NEVER or moment.year < _FIRST_YEAR:
        raise _never(day if day in _NEVER else moment.date().isoformat())
    return moment, bool(fraction and fraction.strip(".0"))


def _parse_id(text: str, prefix: str, alias: str) -> str:
    if is_sid(text, prefix):
        return text
    if not text:
        raise BadCell("E-MISSING", "the cell is empty", f"Write a SID ({prefix}…) or the {alias}.")
    if text in _NO_VALUE:
        raise BadCell("E-NULL", "this is a word for no value", f"Write the {alias}; where it really is so, the SID.")
    # DELETE /Users/US…/Conversations/.. is normalised by HTTP clients to DELETE /Users/US…, which deletes the user.
    if text in {".", ".."}:
        raise BadCell(
            "E-DOT-SEGMENT", "a request path made with it would address something else", f"Write the SID ({prefix}…)."
        )
    if (found := _CONTROL.search(text)) is not None:
        raise BadCell("E-CONTROL", f"the cell holds {_named(found[0])}", f"Remove it, or write the SID ({prefix}…).")
    for place, edge in (("begins", text[0]), ("ends", text[-1])):
        if _BLANK.match(edge):
            raise BadCell(
                "E-WHITESPACE",
                f"the cell {place} with {_named(edge)}",
                f"Remove it; where the {alias} really has it, write the SID ({prefix}…).",
            )
    if text[0] in _OPENING_QUOTES and text[-1] in _CLOSING_QUOTES and len(text) > 1:
        raise BadCell(
            "E-SMART-QUOTES", "the cell is wrapped in typographic quotes", 'Remove them, or use straight ones (").'
        )
    if _DAMAGED_NUMBER.fullmatch(text):
        raise BadCell(
            "E-SCIENTIFIC", "a spreadsheet turned this number into powers of ten", "Format the column as text."
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
    _refuse_no_value(text)
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
    _refuse_blanks(text)
    if text.startswith("@"):
        return BadCell("E-INDEX", "the only word an index can be is @latest", "Write @latest or a number.")
    return BadCell("E-INDEX", "this is not a message index", "Write a whole number, 0 or more, or @latest.")


def _bad_timestamp(text: str) -> BadCell:
    _refuse_no_value(text)
    _refuse_blanks(text.replace(" ", ""))
    if (_DATE.fullmatch(text) and not _YEAR_FIRST.match(text)) or _SCIENTIFIC.fullmatch(text):
        return BadCell(
            "E-DATE",
            "a spreadsheet changed this timestamp, and it is unclear which number is the day and which the month",
            "Format the column as text and write 2026-11-23T18:02:00Z.",
        )
    if _NUMBER.fullmatch(text):
        return BadCell(
            "E-TIMESTAMP", "a number, as Unix and spreadsheets count time", "Write it like 2026-11-23T18:02:00Z."
        )
    return BadCell("E-TIMESTAMP", "this is not an RFC 3339 timestamp", "Write it like 2026-11-23T18:02:00Z.")


def _never(day: str) -> BadCell:
    return BadCell(
        "E-NEVER",
        f"{day} is {_NEVER.get(day, 'before Twilio began')}, and no time at which a message was read",
        "Leave the cell empty to leave the value alone: a timestamp that was set cannot be cleared again.",
    )


def _refuse_no_value(text: str) -> None:
    if text in _NO_VALUE:
        raise BadCell(
            "E-NULL-UNSUPPORTED",
            "a word for no value: what Twilio does with an update to null is unknown",
            "Leave the cell empty to leave the value alone.",
        )


def _refuse_blanks(text: str) -> None:
    if (found := _BLANK.search(text)) is not None:
        raise BadCell("E-WHITESPACE", f"the cell holds {_named(found[0])}", "Remove it.")


def _named(character: str) -> str:
    """Return what an invisible *character* is, such as ``a no-break space (U+00A0)``."""
    name = _CONTROL_NAMES.get(character) or unicodedata.name(character, "control character").lower()
    return f"a {name} (U+{ord(character):04X})"
