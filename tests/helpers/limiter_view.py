"""A limiter for tests of the displays that show it."""

from dataclasses import dataclass


@dataclass
class FakeLimiter:
    """Always has the state that the test gave it."""

    window: float = 10.0
    in_flight: int = 0
    outage_seconds: float = 0.0

    def view(self, now: float) -> "FakeLimiter":
        return self
