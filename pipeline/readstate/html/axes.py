"""Axes that are true to scale: round numbers, dates with the nights that are missing, and times with their pauses."""

from collections.abc import Sequence
from datetime import date
from itertools import chain

from msgspec import Struct

from readstate.text import format_duration

_MOST_STEPS = 4
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS_OF_TIME = (
    1,
    2,
    5,
    10,
    15,
    30,
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 4, 8)),
)


class Axis(Struct, frozen=True):
    """The horizontal axis of lines: where each point is, what it is called in the table, and the marks below."""

    title: str
    places: Sequence[float]
    labels: Sequence[str]
    marks: Sequence[tuple[float, str]]
    ends_now: bool
    """Whether the last point is what is true now, and those before it are history."""


def date_axis(title: str, days: Sequence[date]) -> Axis:
    """Return an axis on which each of *days*, in order, has its place in the calendar."""
    first, last = days[0].toordinal(), days[-1].toordinal()
    step = -(-(last - first) // _MOST_STEPS) or 1
    marks = [(place, f"{date.fromordinal(place):%m-%d}") for place in range(last, first - 1, -step)][::-1]
    return Axis(title, [day.toordinal() for day in days], [day.isoformat() for day in days], marks, ends_now=True)


def time_axis(title: str, seconds: Sequence[float]) -> Axis:
    """Return an axis of *seconds* since some beginning, in order."""
    last = max(seconds)
    steps = chain(_STEPS_OF_TIME, (_DAY * (1 << power) for power in range(24)))
    step = next(step for step in steps if step * _MOST_STEPS >= last)
    marks = [(place, format_duration(place)) for place in range(0, int(last) + 1, step)]
    return Axis(title, seconds, [format_duration(one) for one in seconds], marks, ends_now=False)


def scale(highest: float) -> list[float]:
    """Return round numbers from 0 up to the first that is no less than *highest*."""
    step = 1.0
    while step * _MOST_STEPS < highest:
        step *= 2.5 if f"{step:e}".startswith("2") else 2
    steps = max(1, -int(-highest // step))
    return [step * number for number in range(steps + 1)]
