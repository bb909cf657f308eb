"""When somebody was at work on a run, and for how long nobody was. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Span(NamedTuple):
    """From one start of a process to its end."""

    begins_at: datetime
    ends_at: datetime


def idle_seconds(spans: Iterable[Span]) -> float:
    """Seconds between the first beginning and the last end that no span covers."""
    ordered = sorted(spans)
    idle, busy_until = 0.0, ordered[0].begins_at
    for span in ordered:
        idle += max(0.0, (span.begins_at - busy_until).total_seconds())
        busy_until = max(busy_until, span.ends_at)
    return idle
