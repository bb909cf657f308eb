"""The log of a command: its lines become messages with a level, for a log that has timestamps of its own."""

import json
import logging
from collections.abc import Callable

Log = Callable[[int, str], None]
"""Takes a level of `logging` and a message, which may have several lines."""

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def parse_line(line: str) -> tuple[int, str]:
    """Return the level and the message of a line of stderr, written with ``--log-format json`` or as text."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("message"), str):
        # What a command says before it has read its settings is text.
        return (logging.ERROR if line.startswith("error: ") else logging.INFO), line.removeprefix("error: ")
    message = "\n".join(filter(None, (entry["message"], entry.get("hint"))))
    return _LEVELS.get(entry.get("level", "info"), logging.INFO), message
