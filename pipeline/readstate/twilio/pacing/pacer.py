"""What one kind of request waits for: a pause that the server asked for, and its turn in an even spacing."""

from readstate.twilio.pacing.adaptive_limit import Level

# No timer keeps time better than this: rather than sleep for it, a request may go so much early.
_EARLY_SECONDS = 0.001
# A busy event loop wakes us late. What it was late by is made up for, or else the spacing itself would be the limit.
_LATE_SECONDS = 0.01
_IDLE_SECONDS = 2.0


class Lane:
    """Spaces requests out, and holds them while its gate is closed."""

    def __init__(self, rate: Level | None = None) -> None:
        self.rate = rate
        """Requests per second; None while nothing has been refused for going too fast."""
        self.gate = 0.0
        """Nothing is sent before this time."""
        self.is_binding = False
        """Whether the spacing, rather than a lack of requests, decided when the last one went."""
        self._next = 0.0

    def ready_at(self) -> float:
        """The earliest time for the next request."""
        return max(self.gate, self._next - _EARLY_SECONDS)

    def sent(self, now: float, per_second: float) -> None:
        """Keep the next request 1/*per_second* away."""
        interval = 1 / per_second
        earliest = now - max(interval / 2, _LATE_SECONDS)
        self.is_binding = self._next > earliest
        self._next = max(self._next, earliest) + interval

    def hasten(self, now: float, per_second: float) -> None:
        """Bring the next request as near as *per_second* allows: what was put off may have been at a lower rate."""
        self._next = min(self._next, now + 1 / per_second)

    def is_idle(self, now: float) -> bool:
        """Whether nothing went for a while after its turn."""
        return self._next < now - _IDLE_SECONDS

    def hold_until(self, time: float) -> None:
        """Close the gate until *time*, or longer where it is already closed for longer."""
        self.gate = max(self.gate, time)
