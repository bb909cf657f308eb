"""An account with limits that nobody tells, and a client with endless work, in virtual time."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf

from pipeline.twilio.pacing.pace import Pace, Sent


@dataclass
class Account:
    """What the server is like; a scenario may change any of it while time passes."""

    cap: float = 100
    """Requests that it serves at once."""
    rate: float = inf
    """Requests that it takes per second, after a *burst*."""
    burst: float = 30
    rate_code: int = 50074
    retry_after: float | None = None
    production: float = 83
    """Requests per second of everybody else."""
    service: float = 0.12
    """Seconds, on average; exponential beyond its first quarter."""
    round_trip: float = 0.012
    failing: float = 0.0
    """The share of requests that meet a 503."""

    def left_over(self) -> float:
        """Requests per second that production leaves to us."""
        return min(self.cap / self.service, self.rate) - self.production


@dataclass
class Tally:
    """What happened in each second."""

    accepted: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    production: Counter[int] = field(default_factory=Counter)
    production_refused: Counter[int] = field(default_factory=Counter)

    def per_second(self, begin: int, end: int) -> float:
        return sum(self.accepted[second] for second in range(begin, end)) / (end - begin)

    def refused_share(self) -> float:
        return self.refused.total() / (self.accepted.total() + self.refused.total() + self.failed.total())

    def production_refused_share(self) -> float:
        return self.production_refused.total() / max(1, self.production.total())

    def seconds_until(self, per_second: float, *, since: int = 0) -> int:
        """How long it took from *since* to reach *per_second* for one whole second."""
        return next(second - since for second in count(since) if self.accepted[second] >= per_second)


class Run:
    """One client at *pace* against *account*: as much as the pace allows, from the start."""

    def __init__(self, account: Account, pace: Pace, *, seed: int = 1, domain: str | None = None) -> None:
        self.account = account
        self.pace = pace
        self.now = 0.0
        self.tally = Tally()
        self._domain = domain
        self._dice = random.Random(seed)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._serving = 0
        self._tokens = account.burst
        self._tokens_at = 0.0
        self._wakes_at = inf

    def at(self, time: float, **changes: float | None) -> "Run":
        """Change the account at *time*."""

        def change() -> None:
            for name, value in changes.items():
                setattr(self.account, name, value)

        self._later(time, change)
        return self

    def until(self, end: float) -> Tally:
        """Let time pass."""
        self._produce()
        self._send()
        while self._agenda and self._agenda[0][0] < end:
            self.now, _, act = heapq.heappop(self._agenda)
            act()
        return self.tally

    def _later(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (time, next(self._order), act))

    def _send(self) -> None:
        while (time := self.pace.ready_at(self.now, self._domain)) <= self.now:
            sent = self.pace.sent(self.now, self._domain)
            self._later(self.now + self._leg(), lambda sent=sent: self._arrive(sent))
        if time < self._wakes_at:
            self._wakes_at = time
            self._later(time, self._wake)

    def _wake(self) -> None:
        self._wakes_at = inf
        self._send()

    def _arrive(self, sent: Sent) -> None:
        if self._dice.random() < self.account.failing:
            self._later(self.now + self._leg(), lambda: self._fail(sent))
        elif (code := self._admit()) is not None:
            self._later(self.now + self._leg(), lambda: self._refuse(sent, code))
        else:
            self._later(self.now + self._service(), lambda: self._complete(sent))

    def _complete(self, sent: Sent) -> None:
        self._serving -= 1
        self._later(self.now + self._leg(), lambda: self._accept(sent))

    def _accept(self, sent: Sent) -> None:
        self.tally.accepted[int(self.now)] += 1
        self.pace.accepted(self.now, sent)
        self._send()

    def _refuse(self, sent: Sent, code: int) -> None:
        self.tally.refused[int(self.now)] += 1
        pause = self.account.retry_after
        self.pace.refused(self.now, sent, code=code, retry_after=pause, chance=self._dice.random())
        self._send()

    def _fail(self, sent: Sent) -> None:
        self.tally.failed[int(self.now)] += 1
        self.pace.failed(self.now, sent, chance=self._dice.random())
        self._send()

    def _produce(self) -> None:
        if not self.account.production:
            return
        if self.account.failing < 1:
            self.tally.production[int(self.now)] += 1
            if self._admit() is None:
                self._later(self.now + self._service(), self._leave)
            else:
                self.tally.production_refused[int(self.now)] += 1
        self._later(self.now + self._dice.expovariate(self.account.production), self._produce)

    def _leave(self) -> None:
        self._serving -= 1

    def _admit(self) -> int | None:
        """Take a request in, or say with which code it is refused."""
        account = self.account
        if account.rate < inf:
            self._tokens = min(account.burst, self._tokens + (self.now - self._tokens_at) * account.rate)
            self._tokens_at = self.now
            if self._tokens < 1:
                return account.rate_code
        if self._serving >= account.cap:
            return 20429
        self._tokens -= 1
        self._serving += 1
        return None

    def _service(self) -> float:
        return self.account.service * (0.25 + 0.75 * self._dice.expovariate(1))

    def _leg(self) -> float:
        return self.account.round_trip / 2 * self._dice.uniform(0.7, 1.3)
