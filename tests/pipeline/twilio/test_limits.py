"""A person changes the limits of a pace while requests are under way."""

from pipeline.twilio.pacing.ledger import Ledger, exchange
from pipeline.twilio.pacing.limits import limit
from pipeline.twilio.pacing.pace import Pace, PaceSettings
from pipeline.twilio.pacing.partner import Partner

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
