"""Changes files in the current folder."""

from pathlib import Path
from typing import Any

from readstate.simulator.server.server import RunningSimulator

US, CH = "US" + "a" * 32, "CH" + "b" * 32


def open_rows(twilio: RunningSimulator) -> list[dict[str, Any]]:
    """The memberships in conversations that are not closed."""
    return [row for row in twilio.oracle.every_user_conversation() if row["conversation_state"] != "closed"]


def write_lines(name: str, *lines: str) -> Path:
    path = Path(name)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
