"""The account's limits: who gets a slot, who is refused, and the production traffic that wants the same slots.

Production is simulated without timers. Its arrivals and departures up to now are worked off whenever one of our own
requests comes or goes, which is exact, because nothing else changes how many slots are taken.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Literal

from msgspec import Struct

from readstate.simulator.faults.faults import Faults
from readstate.simulator.faults.injector import FaultInjector

Verdict = Literal["admitted", "too_many_at_once", "too_many_a_second"]


class BackgroundCounts(Struct):
    """How many requests of the background traffic came, and how many were refused."""

    arrived: int = 0
    refused: int = 0


class AccountLimits:
    """Counts what is in service, ours and production's, against the caps in force."""

    def __init__(self, injector: FaultInjector, monotonic: Callable[[], float]) -> None:
        self._injector = injector
        self._monotonic = monotonic
        self._departures: list[float] = []
        self._next_arrival: float | None = None
        self._tokens = injector.faults.requests_burst
        self._tokens_at = monotonic()
        self._window = (0, 0)
        self.ours = 0
        self.background = BackgroundCounts()

    @property
    def in_service(self) -> int:
        """Requests that hold a slot: ours and production's."""
        return self.ours + len(self._departures)

    def enter(self) -> Verdict:
        """Request a slot; an admitted request has to `leave`."""
        now = self._monotonic()
        self.catch_up(now)
        verdict = self._admit(now)
        if verdict == "admitted":
            self.ours += 1
        return verdict

    def leave(self) -> None:
        """Free the slot of a request."""
        self.catch_up(self._monotonic())
        self.ours -= 1

    def catch_up(self, now: float) -> None:
        """Simulate production's requests until *now*."""
        if self._injector.faults.background_requests_per_second <= 0 or self._injector.faults.outage != "no":
            self._next_arrival = None
            self._depart(now)
            return
        if self._next_arrival is None:
            self._next_arrival = now + self._injector.background_gap()
        while self._next_arrival <= now:
            self._arrive(self._next_arrival)
            self._next_arrival += self._injector.background_gap()
        self._depart(now)

    def _arrive(self, at: float) -> None:
        self._depart(at)
        self.background.arrived += 1
        if self._admit(at) == "admitted":
            heappush(self._departures, at + self._injector.service_seconds())
        else:
            self.background.refused += 1

    def _depart(self, now: float) -> None:
        while self._departures and self._departures[0] <= now:
            heappop(self._departures)

    def _admit(self, now: float) -> Verdict:
        faults = self._injector.faults
        if not self._has_token(faults, now):
            return "too_many_a_second"
        if faults.concurrency_cap is not None and self.in_service >= faults.concurrency_cap:
            return "too_many_at_once"
        self._take_token(faults)
        return "admitted"

    def _has_token(self, faults: Faults, now: float) -> bool:
        rate = faults.requests_per_second_cap
        if rate is None:
            return True
        if faults.requests_window_seconds > 0:
            number = int(now / faults.requests_window_seconds)
            if number != self._window[0]:
                self._window = (number, 0)
            return self._window[1] < rate * faults.requests_window_seconds
        self._tokens = min(faults.requests_burst, self._tokens + max(0.0, now - self._tokens_at) * rate)
        self._tokens_at = max(now, self._tokens_at)
        return self._tokens >= 1

    def _take_token(self, faults: Faults) -> None:
        if faults.requests_per_second_cap is None:
            return
        if faults.requests_window_seconds > 0:
            self._window = (self._window[0], self._window[1] + 1)
        else:
            self._tokens -= 1
