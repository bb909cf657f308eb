"""An account with unpublished limits, and clients with endless work, in virtual time."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf

from readstate.twilio.pacing.limiter import AdaptiveLimiter, Sent


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
    """Requests per second of the account's other traffic."""
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


class Client:
    """One process that sends as much as *limiter* allows, once it has started."""

    def __init__(self, run: "Run", limiter: AdaptiveLimiter, domain: str | None) -> None:
        self.limiter = limiter
        self.tally = Tally()
        self.has_started = True
        self._run = run
        self._domain = domain
        self._wakes_at = inf

    def send(self) -> None:
        run, limiter = self._run, self.limiter
        time = inf
        while self.has_started:
            if (time := limiter.ready_at(run.now, self._domain)) > run.now:
                break
            run.carry(self, limiter.sent(run.now, self._domain))
        limiter.waiting = 1000 - limiter.in_flight
        if time > run.now and time < self._wakes_at:
            self._wakes_at = time
            run.later(time, self._wake)

    def _wake(self) -> None:
        self._wakes_at = inf
        self.send()


class Run:
    """Clients against *account*, each at a limiter of its own."""

    def __init__(self, account: Account, *paces: AdaptiveLimiter, seed: int = 1, domain: str | None = None) -> None:
        self.account = account
        self.now = 0.0
        self.tally = Tally()
        self.dice = random.Random(seed)
        self.clients = [Client(self, limiter, domain) for limiter in paces]
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._serving = 0
        self._tokens = account.burst
        self._tokens_at = 0.0

    @property
    def limiter(self) -> AdaptiveLimiter:
        return self.clients[0].limiter

    def at(self, time: float, **changes: float | None) -> "Run":
        def change() -> None:
            for name, value in changes.items():
                setattr(self.account, name, value)

        self.later(time, change)
        return self

    def until(self, end: float) -> Tally:
        if self.now == 0:
            self._produce()
            for client in self.clients:
                client.send()
        while self._agenda and self._agenda[0][0] < end:
            self.now, _, act = heapq.heappop(self._agenda)
            act()
        return self.tally

    def later(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (time, next(self._order), act))

    def carry(self, client: Client, sent: Sent) -> None:
        self.later(self.now + self._leg(), lambda: self._arrive(client, sent))

    def _arrive(self, client: Client, sent: Sent) -> None:
        if self.dice.random() < self.account.failing:
            self.later(self.now + self._leg(), lambda: self._fail(client, sent))
        elif (code := self._admit()) is not None:
            self.later(self.now + self._leg(), lambda: self._refuse(client, sent, code))
        else:
            self.later(self.now + self._service(), lambda: self._complete(client, sent))

    def _complete(self, client: Client, sent: Sent) -> None:
        self._serving -= 1
        self.later(self.now + self._leg(), lambda: self._accept(client, sent))

    def _accept(self, client: Client, sent: Sent) -> None:
        client.tally.accepted[int(self.now)] += 1
        self.tally.accepted[int(self.now)] += 1
        client.limiter.accepted(self.now, sent)
        client.send()

    def _refuse(self, client: Client, sent: Sent, code: int) -> None:
        client.tally.refused[int(self.now)] += 1
        self.tally.refused[int(self.now)] += 1
        pause = self.account.retry_after
        client.limiter.refused(self.now, sent, code=code, retry_after=pause, chance=self.dice.random())
        client.send()

    def _fail(self, client: Client, sent: Sent) -> None:
        client.tally.failed[int(self.now)] += 1
        self.tally.failed[int(self.now)] += 1
        client.limiter.failed(self.now, sent, chance=self.dice.random())
        client.send()

    def _produce(self) -> None:
        if not self.account.production:
            return
        if self.account.failing < 1:
            self.tally.production[int(self.now)] += 1
            if self._admit() is None:
                self.later(self.now + self._service(), self._leave)
            else:
                self.tally.production_refused[int(self.now)] += 1
        self.later(self.now + self.dice.expovariate(self.account.production), self._produce)

    def _leave(self) -> None:
        self._serving -= 1

    def _admit(self) -> int | None:
        """Take a request in, or return the code with which it is refused."""
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
        return self.account.service * (0.25 + 0.75 * self.dice.expovariate(1))

    def _leg(self) -> float:
        return self.account.round_trip / 2 * self.dice.uniform(0.7, 1.3)
