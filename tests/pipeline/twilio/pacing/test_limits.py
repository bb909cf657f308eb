"""A person changes the limits of a pace while requests are under way."""

from readstate.twilio.pacing.limiter import Pace, PaceSettings
from readstate.twilio.pacing.limits import limit
from readstate.twilio.shared_pace.ledger import Ledger, exchange
from readstate.twilio.shared_pace.member import Partner

WRITES = "writes:IS1"


def busy(pace: Pace, *, seconds: float, begin: float = 0.0, domain: str = WRITES) -> int:
    """Send whatever *pace* lets through, each answered after a tenth of a second; give the number."""
    now, number = begin, 0
    under_way: list[tuple[float, object]] = []
    while now < begin + seconds:
        while under_way and under_way[0][0] <= now:
            pace.accepted(now, under_way.pop(0)[1])  # type: ignore[arg-type]
        if pace.ready_at(now, domain) <= now:
            under_way.append((now + 0.1, pace.sent(now, domain)))
            number += 1
            continue
        now += 0.001
    for _, sent in under_way:
        pace.accepted(now, sent)  # type: ignore[arg-type]
    return number


def test_writes_slow_down_and_speed_up_again() -> None:
    pace = Pace(PaceSettings(writes_per_second=30))

    full = busy(pace, seconds=10)
    limit(pace, 10.0, max_in_flight=500, writes_per_second=4)
    slow = busy(pace, seconds=10, begin=10)
    limit(pace, 20.0, max_in_flight=500, writes_per_second=60)
    fast = busy(pace, seconds=10, begin=20)

    assert 200 < full < 310
    assert 30 < slow <= 41
    assert 450 < fast < 620


def test_who_shares_a_pace_with_others_changes_its_own_part_of_it() -> None:
    pace, ledger = Pace(PaceSettings(writes_per_second=30)), Ledger()
    partner = Partner(pace, "we")

    def turns(begin: int, end: int) -> int:
        nonlocal ledger
        number = 0
        for second in range(begin, end):
            number += busy(pace, seconds=1, begin=second)
            ledger, adopted = exchange(partner.report(second + 1), ledger, second + 1)
            partner.adopt(second + 1, adopted, chance=0.5)
        return number

    full = turns(0, 10)
    limit(pace, 10.0, max_in_flight=500, writes_per_second=4)
    slow = turns(10, 70)
    limit(pace, 70.0, max_in_flight=500, writes_per_second=60)
    fast = turns(70, 80)

    assert 150 < full < 310
    assert 150 < slow <= 245
    assert 400 < fast < 620


class Pair:
    """We and another process, who share what one service takes: thirty writes a second."""

    def __init__(self) -> None:
        self.pace = Pace(PaceSettings(writes_per_second=30))
        self.partner = Partner(self.pace, "we")
        self.now = 0
        self.ledger = Ledger()
        self._other = Pace(PaceSettings(writes_per_second=30))
        self._others_partner = Partner(self._other, "the other")

    def turns(self, seconds: int, *, lost: bool = False, domain: str = WRITES) -> int:
        """Let both write for so long, and take a turn each second; give the number of our writes."""
        number = 0
        for _ in range(seconds):
            number += busy(self.pace, seconds=1, begin=self.now, domain=domain)
            busy(self._other, seconds=1, begin=self.now)
            self.now += 1
            for partner in (self.partner, self._others_partner):
                report = partner.report(self.now)
                if lost:
                    partner.stand_alone(self.now)
                    continue
                self.ledger, adopted = exchange(report, self.ledger, self.now)
                partner.adopt(self.now, adopted, chance=0.5)
        return number


def test_who_lost_the_others_keeps_to_its_part_whatever_a_person_allows() -> None:
    pair = Pair()
    pair.turns(10)

    pair.turns(2, lost=True)
    part = pair.turns(10, lost=True)
    limit(pair.pace, pair.now, max_in_flight=5_000, writes_per_second=300)
    raised = pair.turns(10, lost=True)
    window = pair.pace.window.value
    limit(pair.pace, pair.now, max_in_flight=500, writes_per_second=8)
    lowered = pair.turns(10, lost=True)
    limit(pair.pace, pair.now, max_in_flight=5_000, writes_per_second=300)
    pair.turns(1, lost=True)
    raised_again = pair.turns(10, lost=True)
    elsewhere = pair.turns(10, lost=True, domain="writes:IS2")

    assert 120 < part < 160
    assert 120 < raised < 160
    assert window <= 250
    assert lowered < 45
    assert 120 < raised_again < 160
    assert elsewhere < 160, "a service that nobody has written to yet is shared as well"


def test_what_a_person_allowed_meanwhile_counts_once_the_others_are_found_again() -> None:
    pair = Pair()
    pair.turns(10)
    pair.turns(2, lost=True)
    limit(pair.pace, pair.now, max_in_flight=500, writes_per_second=60)
    alone = pair.turns(10, lost=True)
    pair.turns(2)
    together = pair.turns(10)

    assert alone < 160
    assert 180 < together < 220


def test_no_more_requests_are_in_flight_than_a_person_allows() -> None:
    pace = Pace(PaceSettings(writes_per_second=1_000))
    busy(pace, seconds=5)
    assert pace.allowed > 20

    limit(pace, 5.0, max_in_flight=2, writes_per_second=1_000)
    few = busy(pace, seconds=5, begin=5)
    assert pace.allowed == 2
    assert few <= 101

    limit(pace, 10.0, max_in_flight=50, writes_per_second=1_000)
    many = busy(pace, seconds=5, begin=10)
    assert pace.allowed > 20
    assert many > 10 * few
