"""Identifiers: which strings are SIDs, and which are ids of plans and of runs."""

import re
from typing import Literal

_PATTERNS = {prefix: re.compile(f"{prefix}[0-9a-fA-F]{{32}}") for prefix in ("AC", "SK", "IS", "US", "CH", "MB")}


def is_sid(text: str, prefix: str) -> bool:
    """Whether *text* is, from first to last character, a SID that begins with *prefix*."""
    return _PATTERNS[prefix].fullmatch(text) is not None


_PLAN_ID = re.compile(r"p-[0-9a-f]{12}")
_RUN_ID = re.compile(r"r-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")


def kind_of_id(text: str) -> Literal["plan", "run"] | None:
    """Return what *text* is the id of by its form: a plan, or a run of an export or of an apply; None for neither."""
    if _RUN_ID.fullmatch(text):
        return "run"
    return "plan" if _PLAN_ID.fullmatch(text) else None


# Anything that an HTTP stack, a proxy or a router may read as more than one path segment, or as none.
_UNSAFE_IN_PATH = re.compile(r"[/\\?#%;]|\.\.|\.$|^\.")


def is_unsafe_in_path(text: str) -> bool:
    """Whether *text* must never be part of a request's path, not even percent-encoded."""
    return _UNSAFE_IN_PATH.search(text) is not None
