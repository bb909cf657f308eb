"""A run at one moment, and the two lines that show it: how far it is, and how long it will take. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from readstate.observers.rate_meter import RateMeter
from readstate.observers.run_counters import RunCounters
from readstate.text import format_duration, group_digits
from readstate.twilio.pacing.limiter import LimiterView


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The counters of a run, and what follows from them, from its recent rates and from its limiter."""

    counters: RunCounters
    """Not a copy: they are as they were only until the next event."""
    elapsed_seconds: float
    requests_per_second: float
    in_flight: int
    window: int
    """0 where there is no limiter."""
    outage_seconds: float
    last_error: str
    """Why no request has succeeded recently; empty where one has, or none was sent."""
    seconds_left: float | None
    """None while it cannot be known."""

    @property
    def done(self) -> int:
        """What the current stage has finished: users, rows or files."""
        return self.counters.users_done if self.counters.stage == "reading" else self.counters.stage_done

    @property
    def total(self) -> int | None:
        """What the current stage has to do; None while the roster grows."""
        if self.counters.stage == "reading":
            return self.counters.users_listed if self.counters.roster_is_complete else None
        return self.counters.stage_all


def measure(counters: RunCounters, limiter: LimiterView | None, rates: RateMeter, *, began: float) -> Progress:
    """Return the progress of a run that began at the moment *began*, as of the latest sample of *rates*."""
    left = _left(counters)
    return Progress(
        counters=counters,
        elapsed_seconds=rates.latest_at - began,
        requests_per_second=rates.requests_per_second(),
        in_flight=0 if limiter is None else limiter.in_flight,
        window=0 if limiter is None else max(1, int(limiter.window)),
        outage_seconds=0.0 if limiter is None else limiter.outage_seconds,
        last_error="" if rates.has_recent_success() else counters.last_error,
        seconds_left=None if left is None else rates.seconds_left(left),
    )


def progress_line(now: Progress) -> str:
    """Return how far the run is, in one line."""
    done, total = group_digits(now.counters.stage_done), group_digits(now.counters.stage_all)
    match now.counters.stage:
        case "compacting":
            return f"merging {done} of {total} rows"
        case "publishing":
            return f"publishing {done} of {total} files"
        case "applying":
            return ", ".join([f"{done} of {total} rows", *_requests(now), *_outcomes(now.counters)])
    return ", ".join(_reading(now))


def eta(now: Progress) -> str:
    """Return how much longer the run will take, or why that cannot be known; empty where there is nothing to say."""
    reason = f" ({now.last_error})" if now.last_error else ""
    if now.outage_seconds:
        return f"no answer for {format_duration(now.outage_seconds)}{reason}"
    if now.counters.stage not in {"reading", "applying"}:
        return ""
    if now.last_error:
        return f"trying again{reason}"
    return "" if now.seconds_left is None else f"{format_duration(now.seconds_left)} left"


def _left(counters: RunCounters) -> int | None:
    """Return how many users, or rows of a plan, are left; None while the roster grows."""
    if counters.stage == "applying":
        return counters.stage_all - counters.stage_done
    return counters.users_listed - counters.users_done if counters.roster_is_complete else None


def _reading(now: Progress) -> Iterator[str]:
    counters = now.counters
    if counters.users_listed or counters.roster_is_complete:
        known = group_digits(counters.users_listed) + ("" if counters.roster_is_complete else " or more")
        yield f"{group_digits(counters.users_done)} of {known} users"
    else:
        yield "no user known yet"
    yield f"{group_digits(counters.all_rows)} rows"
    yield from _requests(now)
    if counters.users_failed:
        yield f"{group_digits(counters.users_failed)} failed"


def _requests(now: Progress) -> Iterator[str]:
    yield f"{group_digits(round(now.requests_per_second))} requests/s"
    if now.window and now.counters.stage == "reading":
        yield f"{now.in_flight} of {now.window} in flight"
    yield f"{group_digits(now.counters.throttled)} × 429"


def _outcomes(counters: RunCounters) -> Iterator[str]:
    for name, number in sorted(counters.outcomes.items()):
        yield f"{name.replace('_', ' ')} {group_digits(number)}"
