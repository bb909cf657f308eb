"""Figures for tests: a run half-way through, of which each test changes what it is about."""

from dataclasses import replace
from typing import Any

from readstate.observers.progress_figures import Figures

HALF_WAY = Figures(
    elapsed_seconds=60.0,
    stage="reading",
    stage_done=0,
    stage_all=0,
    users_done=1000,
    users_listed=2000,
    roster_is_complete=True,
    users_failed=0,
    rows=5123,
    requests=1100,
    requests_per_second=41.6,
    throttled=3,
    in_flight=87,
    window=96,
    outage_seconds=0.0,
    trouble="",
    seconds_left=120.0,
)


def half_way(**changed: Any) -> Figures:
    """A run half-way through, with *changed* fields."""
    return replace(HALF_WAY, **changed)
