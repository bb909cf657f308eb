"""What the limiter promises whatever the answers are."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings, Sent

DOMAINS = (None, "writes:IS1")
ACCEPTED, REFUSED, TOO_FAST, PAUSED, WRITES_PAUSED, FAILED, CANCELLED = range(7)

answers = st.sampled_from((ACCEPTED, ACCEPTED, REFUSED, TOO_FAST, PAUSED, WRITES_PAUSED, FAILED, CANCELLED))
steps = st.tuples(st.sampled_from(DOMAINS), answers, st.floats(0, 3), st.integers(0, 40))


class Player:
    """Sends whenever it may, responds as the script says, and keeps its own record of the pauses."""

    def __init__(self, most: int) -> None:
        self.limiter = AdaptiveLimiter(LimiterSettings(max_in_flight=most, initial_in_flight=min(4, most)))
        self.most = most
        self.now = 0.0
        self.under_way: list[Sent] = []
        self.closed_until = dict.fromkeys((*DOMAINS, "account"), 0.0)

    def send(self, domain: str | None) -> bool:
        if self.limiter.ready_at(self.now, domain) > self.now:
            return False
        sent = self.limiter.sent(self.now, domain)
        self.under_way.append(sent)
        if not sent.is_probe:
            assert self.now >= self.closed_until["account"], "sent while the account was paused"
            assert self.now >= self.closed_until[domain], "sent while the domain was paused"
        else:
            assert sum(one.is_probe for one in self.under_way) == 1, "two probes at once"
        return True

    def answer(self, kind: int, which: int) -> None:
        if not self.under_way:
            return
        sent = self.under_way.pop(which % len(self.under_way))
        in_outage = self.limiter.circuit_breaker.is_open
        match kind:
            case 0:
                self.limiter.accepted(self.now, sent)
            case 1:
                self.limiter.refused(self.now, sent, code=20429, retry_after=None, chance=0.5)
            case 2:
                self.limiter.refused(self.now, sent, code=50063, retry_after=None, chance=0.5)
            case 3:
                self.limiter.refused(self.now, sent, code=20429, retry_after=2.0, chance=0.5)
                self._close("account", in_outage)
            case 4:
                self.limiter.refused(self.now, sent, code=50074, retry_after=2.0, chance=0.5)
                self._close(sent.domain, in_outage)
            case 5:
                self.limiter.failed(self.now, sent, chance=0.5)
            case _:
                self.limiter.cancelled(self.now, sent)
        view = self.limiter.view(self.now)
        assert 0.03 <= view.window <= self.most
        assert view.in_flight == len(self.under_way)

    def _close(self, gate: str | None, in_outage: bool) -> None:
        if not in_outage:
            self.closed_until[gate] = max(self.closed_until[gate], self.now + 2.0)


@given(st.lists(steps, max_size=150), st.integers(1, 60))
def test_pauses_hold_the_window_stays_in_bounds_and_progress_never_stops_for_ever(script, most) -> None:
    player = Player(most)
    for domain, answer, seconds, burst in script:
        for _ in range(burst):
            if not player.send(domain):
                break
        assert len(player.under_way) <= most or len(player.under_way) <= player.most
        player.now += seconds / 10
        for which in range(burst):
            player.answer(answer, which)

    while player.under_way:
        player.answer(ACCEPTED, 0)
    for domain in DOMAINS:
        # At most: an outage's probe, its three proofs, the longest gate, one very slow turn.
        for _ in range(5):
            time = player.limiter.ready_at(player.now, domain)
            assert time < inf, "nothing is under way, so nothing could ever change this"
            assert time - player.now <= 120
            player.now = max(player.now, time)
            assert player.send(domain)
            player.answer(ACCEPTED, 0)
