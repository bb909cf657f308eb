"""Counters and progress of a run, of which each test changes what it is about."""

from typing import Any

from readstate.observers.progress import Progress
from readstate.observers.run_counters import RunCounters

_COUNTERS: dict[str, Any] = {
    "users_read": 1000,
    "users_listed": 2000,
    "roster_is_complete": True,
    "rows": 5123,
    "requests_by_status": {200: 1097, 429: 3},
}
_PROGRESS: dict[str, Any] = {
    "elapsed_seconds": 60.0,
    "requests_per_second": 41.6,
    "in_flight": 87,
    "window": 96,
    "outage_seconds": 0.0,
    "last_error": "",
    "seconds_left": 120.0,
}


def half_way(**changed: Any) -> Progress:
    """A run half-way through, with *changed* fields of its progress or of its counters."""
    counters = {name: value for name, value in changed.items() if name not in _PROGRESS}
    progress = {name: value for name, value in changed.items() if name in _PROGRESS}
    return Progress(counters=RunCounters(**_COUNTERS | counters), **_PROGRESS | progress)


def counted(*events: object) -> RunCounters:
    counters = RunCounters()
    for event in events:
        counters.observe(event)
    return counters
