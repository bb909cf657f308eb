"""The tombstone of a plan or a run whose personal data was erased: nothing is shown, applied or undone from there."""

from datetime import datetime
from pathlib import Path

import msgspec

from readstate.disk.files import translate_os_errors, write_private
from readstate.errors import Damaged, PlanUnusable
from readstate.foreign_json import UnusableJson, decode_json

TOMBSTONE = "forgotten.json"


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """Who erased the personal data of a plan or a run, and when."""

    at: datetime
    os_user: str
    host: str
    plan_id: str | None = None
    """The plan that an erased run was begun with: it cannot be begun again. None if an earlier version erased it."""


def read_tombstone(directory: Path) -> Tombstone | None:
    """Return the tombstone in *directory*, or None. Raise `Damaged`, `LocalDisk`."""
    path = directory / TOMBSTONE
    with translate_os_errors(path):
        if not path.is_file():
            return None
        content = path.read_bytes()
    try:
        return decode_json(content, Tombstone)
    except UnusableJson as error:
        raise Damaged(
            f"{path}: it is damaged ({error}); {directory.name} was forgotten, or was about to be",
            hint=f"To finish that:  rm {path}, and run readstate forget {directory.name} again.",
        ) from error


def write_tombstone(directory: Path, tombstone: Tombstone, *, plan_id: str | None) -> None:
    """Write *tombstone* into *directory*, unless there is one already."""
    if read_tombstone(directory) is None:
        named = msgspec.structs.replace(tombstone, plan_id=plan_id)
        write_private(directory / TOMBSTONE, msgspec.json.encode(named))


def require_not_erased(directory: Path) -> None:
    """Raise `PlanUnusable` for a plan or a run whose rows were erased."""
    if (tombstone := read_tombstone(directory)) is not None:
        raise PlanUnusable(
            f"{directory.name} was forgotten on {tombstone.at:%Y-%m-%d} by {tombstone.os_user}: only counts and"
            " digests are left",
            hint=f"They are in {directory}. To change anything, plan again.",
        )
