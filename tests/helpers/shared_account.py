"""Several processes on one simulated account, which share a ledger."""

from collections.abc import Sequence

from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.shared_pace.ledger import Ledger, take_turn
from readstate.twilio.shared_pace.member import SharedMember
from tests.helpers.simulated_account import Account, Client, Run


def jain(amounts: Sequence[float]) -> float:
    """Return Jain's index of fairness: 1 where all have the same, 1/n where one has everything."""
    return sum(amounts) ** 2 / (len(amounts) * sum(amount**2 for amount in amounts))


class Crowd(Run):
    """*number* processes; each takes its turn at the ledger once a second, not all at the same moment."""

    def __init__(
        self, account: Account, number: int, *, domain: str | None = None, settings: LimiterSettings | None = None
    ) -> None:
        limiters = [AdaptiveLimiter(settings or LimiterSettings()) for _ in range(number)]
        super().__init__(account, *limiters, domain=domain)
        self.ledger = Ledger()
        for place, client in enumerate(self.clients):
            self._take_turns(client, SharedMember(client.limiter, f"process {place}"), 0.01 * place)

    def shares(self, since: int, until: int) -> list[float]:
        return [client.tally.per_second(since, until) for client in self.clients]

    def _take_turns(self, client: Client, member: SharedMember, at: float) -> None:
        client.has_started = False
        due = at

        def poll() -> None:
            nonlocal due
            self.later(self.now + 0.1, poll)
            if self.now >= due or member.has_news():
                due = self.now + self.dice.uniform(0.9, 1.1)
                client.has_started = True
                self.ledger, result = take_turn(member.report(self.now), self.ledger, self.now + 1e6)
                member.apply(self.now, result, chance=self.dice.random())
                client.send()

        self.later(at, poll)
