"""Twilio's identifiers: which strings are SIDs."""

import re

_PATTERNS = {prefix: re.compile(f"{prefix}[0-9a-fA-F]{{32}}") for prefix in ("AC", "SK", "IS", "US", "CH", "MB")}


def is_sid(text: str, prefix: str) -> bool:
    """Whether *text* is, from first to last character, a SID that begins with *prefix*."""
    return _PATTERNS[prefix].fullmatch(text) is not None


# Anything that an HTTP stack, a proxy or a router may read as more than one path segment, or as none.
_UNSAFE_IN_PATH = re.compile(r"[/\\?#%;]|\.\.|\.$|^\.")


def is_unsafe_in_path(text: str) -> bool:
    """Whether *text* must never be part of a request's path, not even percent-encoded."""
    return _UNSAFE_IN_PATH.search(text) is not None
