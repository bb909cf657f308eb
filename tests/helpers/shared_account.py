"""Several processes on one simulated account, which share a ledger, or nothing."""

from collections.abc import Sequence
from math import inf

from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.shared_pace.ledger import Ledger, take_turn
from readstate.twilio.shared_pace.member import SharedMember
from tests.helpers.simulated_account import Account, Client, Run


def jain(amounts: Sequence[float]) -> float:
    """Jain's index of fairness: 1 where all have the same, 1/n where one has everything."""
    return sum(amounts) ** 2 / (len(amounts) * sum(amount**2 for amount in amounts))


class Crowd(Run):
    """*number* processes; each takes its turn at the ledger once a second, not all at the same moment."""

    def __init__(
        self,
        account: Account,
        number: int,
        *,
        seed: int = 1,
        shared: bool = True,
        domain: str | None = None,
        settings: LimiterSettings | None = None,
    ) -> None:
        settings = settings or LimiterSettings()
        super().__init__(account, *(AdaptiveLimiter(settings) for _ in range(number)), seed=seed, domain=domain)
        self.ledger = Ledger()
        self.ledger_is_lost = False
        self._domain = domain
        if shared:
            for place, client in enumerate(self.clients):
                self._take_turns(client, SharedMember(client.limiter, f"process {place}"), 0.01 * place)

    def join(self, at: float, *, workers: float = inf) -> Client:
        """Start one more process at *at*."""
        client = Client(self, AdaptiveLimiter(self.limiter.settings), self._domain, workers)
        self.clients.append(client)
        self._take_turns(client, SharedMember(client.limiter, f"process {len(self.clients)}"), at)
        return client

    def kill(self, client: Client, *, at: float) -> None:
        """End *client* without a farewell."""

        def die() -> None:
            client.is_alive = False
            client.workers = 0

        self.later(at, die)

    def shares(self, since: int, until: int) -> list[float]:
        """Requests per second of each process."""
        return [client.tally.per_second(since, until) for client in self.clients]

    def _take_turns(self, client: Client, partner: SharedMember, at: float) -> None:
        client.is_alive = False
        due = at

        def look() -> None:
            nonlocal due
            if client.workers == 0:
                return
            self.later(self.now + 0.1, look)
            if self.now >= due or partner.has_news():
                due = self.now + self.dice.uniform(0.9, 1.1)
                client.is_alive = True
                self._turn(partner)
                client.send()

        self.later(at, look)

    def _turn(self, partner: SharedMember) -> None:
        if self.ledger_is_lost:
            partner.freeze(self.now)
        else:
            report = partner.report(self.now)
            self.ledger, result = take_turn(report, self.ledger, self.now + 1e6)
            partner.apply(self.now, result, chance=self.dice.random())
