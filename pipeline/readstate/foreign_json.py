"""JSON from elsewhere, such as an answer or a file of a shared root: bounded before it is parsed. Pure."""

import re
from typing import TypeVar

import msgspec

MAX_DEPTH = 250
"""Objects and lists inside each other. Documented answers have 4; parsers and `repr` call themselves for each level."""
MAX_VALUES = 250_000
"""Values in one document. A page of 50 documented rows has 1 250; an empty row takes 2 bytes here and 200 in memory."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_STRUCTURE = bytes(set(range(256)) - set(b",[]{}"))
_BRACKETS_ALIKE = bytes.maketrans(b"{}", b"[]")
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(_HIGH + rb"(?:" + _LOW + rb")?|" + _LOW + rb"|\\.", re.DOTALL)

T = TypeVar("T")


class UnusableJson(ValueError):
    """Content is no JSON, not of the type that was asked for, or beyond the bounds of this module."""


def decode_json(content: bytes, kind: type[T]) -> T:
    """Return *content* decoded as *kind*, a msgspec type. Raise `UnusableJson`."""
    require_bounded(content)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableJson(str(error)) from error


def require_bounded(content: bytes) -> None:
    """Raise `UnusableJson` where *content* is nested deeper than `MAX_DEPTH` or holds more than `MAX_VALUES`.

    Content that is no JSON may pass: the parser says what is wrong with it.
    """
    openings = content.count(b"[") + content.count(b"{")
    if openings <= MAX_DEPTH and openings + content.count(b",") <= MAX_VALUES:
        return
    structure = _STRING.sub(b"", content).translate(_BRACKETS_ALIKE, _NO_STRUCTURE)
    brackets = structure.translate(None, b",")
    values = len(structure) - len(brackets) + brackets.count(b"[")
    if values > MAX_VALUES:
        raise UnusableJson(f"it holds more than {MAX_VALUES} values")
    # Each turn removes the innermost level.
    for _ in range(MAX_DEPTH):
        outer = brackets.replace(b"[]", b"")
        if outer == brackets:
            break
        brackets = outer
    if brackets and (b"[]" in brackets or brackets.count(b"[") > MAX_DEPTH):
        raise UnusableJson(f"it is nested deeper than {MAX_DEPTH} levels")


def has_too_many_objects(content: bytes) -> bool:
    """Return whether *content* holds more than `MAX_VALUES` objects; for readers whose types bound everything else."""
    # Counting takes 1 µs for each kB, which a page of ordinary size need not pay: it has no room for so many.
    return len(content) > 2 * MAX_VALUES and content.count(b"{") > MAX_VALUES


def repair_text(content: bytes) -> bytes:
    """Return JSON whose text is Unicode: what is not becomes U+FFFD, and a byte order mark goes.

    Bytes may not be UTF-8, and a text that was cut in the middle of an emoji ends in half of a surrogate pair.
    """
    text = content.decode("utf-8-sig", "replace").encode()
    return _ESCAPE.sub(_without_lone_surrogate, text)


def _without_lone_surrogate(escape: re.Match[bytes]) -> bytes:
    is_lone = len(escape[0]) == 6
    return rb"\ufffd" if is_lone else escape[0]
