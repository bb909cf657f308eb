"""Twilio's limit on actions: so many changes a second of one conversation or one service, in token buckets."""

from collections.abc import Callable

_KEPT_BUCKETS = 10_000


class ActionBuckets:
    """One token bucket for each scope that was written to lately."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets: dict[object, tuple[float, float]] = {}

    def take(self, scope: object, per_second: int) -> bool:
        """Take a token for a change of *scope*; return False if the bucket is empty."""
        if per_second <= 0:
            return True
        now = self._monotonic()
        tokens, at = self._buckets.pop(scope, (float(per_second), now))
        tokens = min(float(per_second), tokens + (now - at) * per_second)
        allowed = tokens >= 1
        self._buckets[scope] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _KEPT_BUCKETS:
            # The bucket that was used longest ago: full again, or nearly.
            del self._buckets[next(iter(self._buckets))]
        return allowed
