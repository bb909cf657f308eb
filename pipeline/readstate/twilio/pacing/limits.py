"""Changes what a person allows, while requests are under way."""

from dataclasses import replace

from readstate.twilio.pacing.adaptive_limit import Level
from readstate.twilio.pacing.limiter import Pace

_RATE_MARGIN = 0.9


def limit(pace: Pace, now: float, *, max_in_flight: int, writes_per_second: float) -> None:
    """Keep *pace* within these from *now* on, whatever it had been told before.

    What was learned stays where it lies within them; a rate of writes begins anew near its limit, as it did at first.
    """
    pace.settings = replace(pace.settings, max_in_flight=max_in_flight, writes_per_second=writes_per_second)
    share = pace.window.share
    pace.window.most = max_in_flight * share
    if pace.window.value > pace.window.most:
        pace.window.search(now, pace.window.most)
    for domain, lane in pace.lanes.items():
        if domain is not None and lane.rate is not None:
            _begin_anew(lane.rate, now, writes_per_second * share)
    pace.hasten(now)


def _begin_anew(rate: Level, now: float, most: float) -> None:
    rate.most = most
    rate.settle(now, _RATE_MARGIN * most)
