"""A run at one moment, and the two lines that show it: how far it is, and how long it will take. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from readstate.observers.rate_meter import RateMeter
from readstate.observers.run_counters import RunCounters
from readstate.text import format_duration, group_digits
from readstate.twilio.pacing.limiter import LimiterView


class Progress(Struct, frozen=True, kw_only=True):
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
    def share(self) -> float | None:
        """The share of the current stage that is done, from 0 to 1; None while its size is unknown."""
        counters, left = self.counters, self.counters.left
        if left is None:
            return None
        shares = [counters.done / (counters.done + left) if left else 1.0]
        if (pages_left := counters.roster_pages_left) > 0:
            shares.append(counters.roster_pages / (counters.roster_pages + pages_left))
        return min(shares)

    @property
    def is_estimate(self) -> bool:
        """Whether the size of the current stage is known from the previous snapshot only."""
        return self.counters.stage == "reading" and not self.counters.roster_is_complete

    @property
    def is_saving(self) -> bool:
        """Whether nothing is left to ask Twilio for."""
        counters = self.counters
        if counters.stage == "reading":
            return counters.roster_is_complete and counters.users_done >= counters.users_listed > 0
        return counters.stage != "applying"


def measure(counters: RunCounters, limiter: LimiterView | None, rates: RateMeter, *, began: float) -> Progress:
    """Return the progress of a run that began at the moment *began*, as of the latest sample of *rates*."""
    left = counters.left
    return Progress(
        counters=counters,
        elapsed_seconds=rates.latest_at - began,
        requests_per_second=rates.requests_per_second(),
        in_flight=0 if limiter is None else limiter.in_flight,
        window=0 if limiter is None else max(1, int(limiter.window)),
        outage_seconds=0.0 if limiter is None else limiter.outage_seconds,
        last_error="" if rates.has_recent_success() else counters.last_error,
        seconds_left=None if left is None else rates.seconds_left(left, counters.roster_pages_left),
    )


def progress_line(now: Progress, *, width: int = 1_000) -> str:
    """Return how far the run is, in one line: its most important numbers, as many as *width* characters hold."""
    line, *parts = _parts(now)
    for part in parts:
        if len(line) + len(part) + 2 > width:
            break
        line += f", {part}"
    return line


def _parts(now: Progress) -> Iterator[str]:
    counters = now.counters
    done, total = group_digits(counters.stage_done), group_digits(counters.stage_all)
    match counters.stage:
        case "compacting":
            yield f"merging {done} of {total} rows"
        case "publishing":
            yield f"publishing {done} of {total} files"
        case "applying":
            yield f"{done} of {total} rows"
            yield from _outcomes(counters)
            yield from _requests(now)
        case "reading":
            yield from _reading(now)


def eta(now: Progress) -> str:
    """Return how much longer the run will take, or why that cannot be known; empty where there is nothing to say."""
    reason = f" ({now.last_error})" if now.last_error else ""
    if now.is_saving:
        return "saving"
    if now.outage_seconds:
        return f"no answer for {format_duration(now.outage_seconds)}{reason}"
    if now.last_error:
        return f"trying again{reason}"
    return "" if now.seconds_left is None else f"{format_duration(now.seconds_left)} left"


def _reading(now: Progress) -> Iterator[str]:
    counters = now.counters
    done, listed = group_digits(counters.users_done), group_digits(counters.users_listed)
    if counters.roster_is_complete:
        yield f"{done} of {listed} users"
    elif counters.pages_foreseen:
        yield f"{done} of about {listed} users"
    else:
        yield f"{done} users (their total is not known yet)"
    if counters.users_failed:
        yield f"{group_digits(counters.users_failed)} failed"
    yield f"{group_digits(counters.all_rows)} rows"
    if not now.is_saving:  # a rate would only decay
        yield from _requests(now)


def _requests(now: Progress) -> Iterator[str]:
    yield f"{group_digits(round(now.requests_per_second))} requests/s"
    yield f"429s: {group_digits(now.counters.throttled)}"
    if now.window and now.counters.stage == "reading":
        yield f"{now.in_flight} of {now.window} in flight"


def _outcomes(counters: RunCounters) -> Iterator[str]:
    for name, number in sorted(counters.outcomes.items()):
        yield f"{name.replace('_', ' ')} {group_digits(number)}"
