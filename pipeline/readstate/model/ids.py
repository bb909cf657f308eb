"""Twilio's identifiers: which strings are SIDs."""

import re

_PATTERNS = {prefix: re.compile(f"{prefix}[0-9a-fA-F]{{32}}") for prefix in ("AC", "SK", "IS", "US", "CH", "MB")}


def is_sid(text: str, prefix: str) -> bool:
    """Whether *text* is, from first to last character, a SID that begins with *prefix*."""
    return _PATTERNS[prefix].fullmatch(text) is not None
