"""The note that stays where personal data was removed: from then on nothing is shown, applied or undone from there."""

from datetime import datetime
from pathlib import Path

import msgspec

from readstate.changes.plans.writer import write_private
from readstate.errors import PlanUnusable

NOTE = "forgotten.json"


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """Who had the personal data of a plan or a run removed, and when."""

    at: datetime
    os_user: str
    host: str


def read_note(directory: Path) -> Forgotten | None:
    """The note in *directory*; None where nothing was forgotten there."""
    path = directory / NOTE
    return msgspec.json.decode(path.read_bytes(), type=Forgotten) if path.is_file() else None


def write_note(directory: Path, note: Forgotten) -> None:
    """Put *note* into *directory*; the first one stays."""
    if read_note(directory) is None:
        write_private(directory / NOTE, msgspec.json.encode(note))


def refuse_forgotten(directory: Path) -> None:
    """Refuse a plan or a run whose rows are gone. Raises `PlanUnusable`."""
    if (note := read_note(directory)) is not None:
        raise PlanUnusable(
            f"{directory.name} was forgotten on {note.at:%Y-%m-%d} by {note.os_user}: only counts, digests and outcomes"
            " are left",
            hint=f"What is left lies in {directory}. To change anything, plan again.",
        )
