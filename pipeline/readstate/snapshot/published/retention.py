"""Which snapshots a retention rule removes. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct

ORPHAN_AFTER = timedelta(days=1)
"""Publishing takes minutes: a file that no manifest names after a day was left by a run that was killed."""


class KeepNewest(Struct, frozen=True):
    """Keep the newest *count* snapshots."""

    count: int


class KeepDays(Struct, frozen=True):
    """Keep the snapshots of the last *days* days, and always the newest."""

    days: int


def expired(dates: Sequence[date], rule: KeepNewest | KeepDays, *, today: date) -> list[date]:
    """Return those of *dates* that *rule* does not keep; the newest is always kept."""
    ordered = sorted(dates)
    match rule:
        case KeepNewest(count):
            return ordered[: -max(1, count)]
        case KeepDays(days):
            return [day for day in ordered[:-1] if day <= today - timedelta(days=days)]
