"""What a person wants to know at one moment of a run, made from counts and from the pace. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from readstate.observers.run_counters import RunTally, Stage
from readstate.text import format_duration, group_digits

_REMEMBERED_SECONDS = 30.0
_PATIENCE_SECONDS = 3.0
"""As long as this without any success, it is worth saying why."""


class PaceFigures(Protocol):
    """What is shown of the pace at one moment."""

    @property
    def window(self) -> float:
        """How many requests may be in flight."""
        ...

    @property
    def in_flight(self) -> int:
        """How many are."""
        ...

    @property
    def outage_seconds(self) -> float:
        """How long nothing has worked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A run at one moment."""

    elapsed_seconds: float
    stage: Stage
    stage_done: int
    stage_all: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Rows of a plan by what became of them."""
    users_done: int
    users_listed: int
    roster_is_complete: bool
    users_failed: int
    rows: int
    requests: int
    requests_per_second: float
    throttled: int
    in_flight: int
    window: int
    outage_seconds: float
    trouble: str
    """Why nothing has succeeded lately; empty where something has, or nothing was tried."""
    seconds_left: float | None
    """None while nobody can tell."""


class Sample(NamedTuple):
    """Counts at one moment, from which speeds are made."""

    at: float
    requests: int
    accepted: int
    users: int


class Speedometer:
    """Remembers the last half minute, so that a speed is neither nervous nor out of date."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def add(self, sample: Sample) -> Sequence[Sample]:
        """Take *sample* in and give all that are not too old, the oldest first."""
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.at - self._samples[1].at >= _REMEMBERED_SECONDS:
            self._samples.popleft()
        return self._samples


def requests_per_second(samples: Sequence[Sample]) -> float:
    """The speed of requests over *samples*."""
    return _speed(samples[-1].requests - samples[0].requests, samples)


def seconds_left(users_left: int, samples: Sequence[Sample]) -> float | None:
    """How long *users_left* will take at the speed of *samples*; None where nothing moves."""
    if users_left <= 0:
        return 0.0
    speed = _speed(samples[-1].users - samples[0].users, samples)
    return users_left / speed if speed > 0 else None


def succeeds(samples: Sequence[Sample]) -> bool:
    """Whether any request was accepted lately, or there was not enough time for one."""
    now = samples[-1]
    earlier = [sample for sample in samples if now.at - sample.at >= _PATIENCE_SECONDS]
    return not earlier or now.accepted > earlier[-1].accepted


def figures(tally: RunTally, pace: PaceFigures | None, samples: Sequence[Sample], *, began: float) -> Figures:
    """Put together what *tally*, *pace* and *samples* say."""
    left = _left(tally)
    return Figures(
        elapsed_seconds=samples[-1].at - began,
        stage=tally.stage,
        stage_done=tally.stage_done,
        stage_all=tally.stage_all,
        outcomes=dict(tally.outcomes),
        users_done=tally.users_done,
        users_listed=tally.users_listed,
        roster_is_complete=tally.roster_is_complete,
        users_failed=tally.users_failed,
        rows=tally.rows_before + tally.rows,
        requests=tally.requests,
        requests_per_second=requests_per_second(samples),
        throttled=tally.throttled,
        in_flight=0 if pace is None else pace.in_flight,
        window=0 if pace is None else max(1, int(pace.window)),
        outage_seconds=0.0 if pace is None else pace.outage_seconds,
        trouble="" if succeeds(samples) else tally.trouble,
        seconds_left=None if left is None else seconds_left(left, samples),
    )


def sentence(now: Figures) -> str:
    """How far *now* is, in one line."""
    if now.stage == "compacting":
        return f"merging {group_digits(now.stage_done)} of {group_digits(now.stage_all)} rows"
    if now.stage == "applying":
        return _applying(now)
    if now.stage == "publishing":
        return f"publishing {group_digits(now.stage_done)} of {group_digits(now.stage_all)} files"
    known = group_digits(now.users_listed) + ("" if now.roster_is_complete else " or more")
    parts = [
        f"{group_digits(now.users_done)} of {known} users"
        if now.users_listed or now.roster_is_complete
        else "no user known yet",
        f"{group_digits(now.rows)} rows",
        f"{group_digits(round(now.requests_per_second))} requests/s",
    ]
    if now.window:
        parts.append(f"{now.in_flight} of {now.window} in flight")
    parts.append(f"{group_digits(now.throttled)} × 429")
    if now.users_failed:
        parts.append(f"{group_digits(now.users_failed)} failed")
    return ", ".join(parts)


def outlook(now: Figures) -> str:
    """How much longer it will take, as far as anybody can tell."""
    why = f" ({now.trouble})" if now.trouble else ""
    if now.outage_seconds:
        return f"no answer for {format_duration(now.outage_seconds)}{why}"
    if now.stage not in {"reading", "applying"}:
        return ""
    if now.trouble:
        return f"trying again{why}"
    return "" if now.seconds_left is None else f"{format_duration(now.seconds_left)} left"


def _speed(count: int, samples: Sequence[Sample]) -> float:
    seconds = samples[-1].at - samples[0].at
    return count / seconds if seconds > 0 else 0.0


def _left(tally: RunTally) -> int | None:
    """How many users, or rows of a plan, are left; None while nobody knows."""
    if tally.stage == "applying":
        return tally.stage_all - tally.stage_done
    return tally.users_listed - tally.users_done if tally.roster_is_complete else None


def _applying(now: Figures) -> str:
    parts = [
        f"{group_digits(now.stage_done)} of {group_digits(now.stage_all)} rows",
        f"{group_digits(round(now.requests_per_second))} requests/s",
        f"{group_digits(now.throttled)} × 429",
        *(f"{name.replace('_', ' ')} {group_digits(number)}" for name, number in sorted(now.outcomes.items())),
    ]
    return ", ".join(parts)
