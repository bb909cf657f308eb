"""How text, numbers, durations, sizes and SIDs are shown: on terminals, in logs, in Markdown and in HTML alike."""

import re
from datetime import UTC, datetime

_SID_LENGTH = 34

FORMULA_PATTERN = r"^'*[=+\-@\t\r\n＝＋－＠]"
"""What begins a formula in some spreadsheet, or such a text after it was escaped; for `re` and for Arrow's regex."""
PLAIN_SIGN_PATTERN = r"^([+-]?[0-9]+([.,][0-9]+)?|@[a-z]+)$"
"""Numbers, telephone numbers and words such as ``@latest``: they begin like formulas and do nothing."""
_FORMULA, _PLAIN_SIGN = re.compile(FORMULA_PATTERN), re.compile(PLAIN_SIGN_PATTERN)


def escape_formula(text: str) -> str:
    """Return *text* with an apostrophe before it where a spreadsheet would compute it; `unescape_formula` removes it.

    A name such as ``=HYPERLINK(…)`` comes from whoever chose it, and runs with the rights of who opens the file.
    """
    return f"'{text}" if _is_formula(text) else text


def unescape_formula(text: str) -> str:
    """Return the text of which `escape_formula` made *text*."""
    return text[1:] if text.startswith("'") and _is_formula(text[1:]) else text


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and _PLAIN_SIGN.fullmatch(text) is None


def escape_control(text: str) -> str:
    r"""Return *text* with every character that is invisible or could steer its display as a Python escape.

    Text from Twilio or from a file is data: it must not move a cursor (``\x1b``), break a line (``\u2028``), reverse
    the reading direction (``\u202e``), hide (``\U000e0001``) or pass for an ordinary space (``\xa0``).
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def escape_json(document: str) -> str:
    r"""Return JSON with each such character, except line ends, as an escape of JSON (``\u202e``): the same document."""
    if document.isprintable():
        return document
    return "".join(sign if sign.isprintable() or sign == "\n" else _json_escape(sign) for sign in document)


def as_unicode(text: str) -> str:
    """Return *text* with escapes for what is no Unicode: the bytes of a file's name that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def truncate(text: str, length: int) -> str:
    """Return *text* with at most *length* characters; an ellipsis stands for what was cut off."""
    return text if len(text) <= length else text[: length - 1] + "…"


def short_sid(text: str) -> str:
    """Return a SID without its middle (``US…4f2a``), and any other text whole."""
    return f"{text[:2]}…{text[-4:]}" if len(text) == _SID_LENGTH and text[2:].isalnum() else text


def group_digits(number: int) -> str:
    """Return *number* in groups of three digits: ``1 234 567``."""
    return f"{number:,}".replace(",", " ")


def pluralize(number: int, noun: str) -> str:
    """Return *number* and *noun*, with an s unless there is exactly one: ``1 user``, ``2 000 users``."""
    return f"{group_digits(number)} {noun}{'' if number == 1 else 's'}"


def format_duration(seconds: float) -> str:
    """Return *seconds* in the two largest units that matter: ``4.2 s``, ``42 s``, ``7 min 5 s``, ``27 h 46 min``."""
    if seconds < 9.95:
        return f"{round(seconds, 1):g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return _two_units(whole, 60, "min", 1, "s")
    if whole < 172_800:
        return _two_units(whole, 3_600, "h", 60, "min")
    return _two_units(whole, 86_400, "d", 3_600, "h")


def format_moment(moment: datetime) -> str:
    """Return *moment* as RFC 3339 in UTC, to the second: ``2026-11-23T18:02:00Z``."""
    # strftime's %Y has fewer than four digits before the year 1000, on Linux.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def format_size(size: int) -> str:
    """Return *size* in bytes as ``512 B``, ``1.5 kB``, ``340 MB`` or ``2.1 GB``; a kilobyte has 1 000 bytes."""
    amount, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _two_units(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {large_name}" + (f" {rest} {small_name}" if rest else "")
