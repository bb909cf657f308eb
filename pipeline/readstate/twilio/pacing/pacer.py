"""Even spacing of one kind of request, and the pauses that the server asked for."""

from readstate.twilio.pacing.adaptive_limit import AdaptiveLimit

# No timer is more precise than this: a request may be sent so much early rather than sleep for it.
_EARLY_SECONDS = 0.001
# A busy event loop wakes us late. The delay is made up for, or else the spacing itself would limit the rate.
_LATE_SECONDS = 0.01
_IDLE_SECONDS = 2.0


class Pacer:
    """Spaces requests evenly, and holds them back while paused."""

    def __init__(self, rate: AdaptiveLimit | None = None) -> None:
        self.rate = rate
        """Requests per second; None while nothing has been refused for going too fast."""
        self.paused_until = 0.0
        self.is_binding = False
        """Whether the spacing, rather than a lack of requests, decided when the last one was sent."""
        self._next = 0.0

    def ready_at(self) -> float:
        """Return the earliest time for the next request."""
        return max(self.paused_until, self._next - _EARLY_SECONDS)

    def sent(self, now: float, per_second: float) -> None:
        """Keep the next request 1/*per_second* away."""
        interval = 1 / per_second
        earliest = now - max(interval / 2, _LATE_SECONDS)
        self.is_binding = self._next > earliest
        self._next = max(self._next, earliest) + interval

    def reschedule(self, now: float, per_second: float) -> None:
        """Bring the next request as near as *per_second* allows: it may have been delayed at a lower rate."""
        self._next = min(self._next, now + 1 / per_second)

    def is_idle(self, now: float) -> bool:
        """Return whether nothing was sent for a while although it could have been."""
        return self._next < now - _IDLE_SECONDS

    def pause_until(self, time: float) -> None:
        """Pause until *time*, or longer where a longer pause has begun already."""
        self.paused_until = max(self.paused_until, time)
