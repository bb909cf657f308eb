"""A pace for tests of those who show it."""

from dataclasses import dataclass


@dataclass
class FakePace:
    """Says what it was told to say."""

    window: float = 10.0
    in_flight: int = 0
    outage_seconds: float = 0.0

    def view(self, now: float) -> "FakePace":
        return self
