"""A pace among others: what it tells them, and what it makes of what they tell."""

from math import inf

import pytest

from readstate.events import OutageBegan
from readstate.twilio.pacing.limiter import Pace, PaceSettings
from readstate.twilio.shared_pace.ledger import WINDOW, Ledger, exchange
from readstate.twilio.shared_pace.member import Partner

WRITES = "writes:IS1"


class Two:
    """Two processes of one account, whose clocks show different times."""

    def __init__(self, **settings: float) -> None:
        self.ledger = Ledger()
        self.paces = [Pace(PaceSettings(**settings)) for _ in range(2)]  # type: ignore[arg-type]
        self.partners = [Partner(pace, f"process {place}") for place, pace in enumerate(self.paces)]
        self.clocks = [50.0, 7_000.0]
        self.now = 0.0

    def time(self, place: int) -> float:
        return self.clocks[place] + self.now

    def turn(self, place: int) -> list[object]:
        report = self.partners[place].report(self.time(place))
        self.ledger, adopted = exchange(report, self.ledger, 1e6 + self.now)
        return list(self.partners[place].adopt(self.time(place), adopted, chance=0.5))

    def rounds(self, number: int) -> None:
        for _ in range(number):
            self.now += 0.5
            self.turn(0)
            self.now += 0.5
            self.turn(1)

    def refuse(self, place: int, *, code: int = 20429, after: float | None = None, domain: str | None = None) -> None:
        now = self.time(place)
        sent = self.paces[place].sent(now, domain)
        self.paces[place].refused(now, sent, code=code, retry_after=after, chance=0.0)


@pytest.fixture
def two() -> Two:
    """Two that share a window of eighty."""
    two = Two()
    two.paces[0].window.settle(two.time(0), 80)
    two.rounds(2)
    return two


def test_both_have_half(two: Two):
    assert [pace.window.value for pace in two.paces] == [40, 40]
    assert [pace.window.share for pace in two.paces] == [0.5, 0.5]


def test_what_is_learned_while_the_turn_is_taken_is_kept(two: Two):
    report = two.partners[0].report(two.time(0))
    two.refuse(0)
    two.ledger, adopted = exchange(report, two.ledger, 1e6 + two.now)
    two.partners[0].adopt(two.time(0), adopted, chance=0.5)

    assert two.paces[0].window.standing(two.time(0)).value == 39.5

    two.rounds(2)

    assert two.ledger.limits[WINDOW].level == 79.5


def test_a_pause_of_one_holds_the_other_for_as_long(two: Two):
    two.refuse(0, after=10.0)
    assert two.partners[0].has_news()
    two.turn(0)
    assert not two.partners[0].has_news()
    two.now += 0.7
    two.turn(1)

    assert two.paces[1].ready_at(two.time(1), None) == pytest.approx(two.time(1) + 9.3)
    assert not two.partners[1].has_news(), "who heard it from others need not tell them"


def test_what_was_under_way_when_a_pause_began_is_not_counted_again(two: Two):
    sent = two.paces[1].sent(two.time(1), None)
    two.now += 0.1
    two.refuse(0, after=10.0)
    two.turn(0)
    two.turn(1)
    level = two.paces[1].window.value
    two.paces[1].refused(two.time(1), sent, code=20429, retry_after=10.0, chance=0.0)

    assert two.paces[1].window.value == level


def test_a_pause_costs_what_all_together_would_have_sent():
    two = Two(initial_in_flight=40)
    two.rounds(1)
    for place in (0, 1):
        for _ in range(20):
            two.paces[place].accepted(two.time(place), two.paces[place].sent(two.time(place) - 0.1, None))
    two.refuse(0, after=10.0)
    alone = Two(initial_in_flight=40)
    for _ in range(20):
        alone.paces[0].accepted(alone.time(0), alone.paces[0].sent(alone.time(0) - 0.1, None))
    alone.paces[0].window.searching = two.paces[0].window.searching
    alone.refuse(0, after=10.0)

    lost = two.paces[0].window.standing(0).lost_to_pauses
    assert lost * two.paces[0].window.share == pytest.approx(alone.paces[0].window.standing(0).lost_to_pauses)


def test_a_rate_that_one_met_binds_the_other_too(two: Two):
    two.refuse(0, code=50074)
    assert two.partners[0].has_news()
    two.rounds(4)

    first, second = (pace.view(two.time(place)).rates["reads"] for place, pace in enumerate(two.paces))
    assert first == pytest.approx(second, rel=0.2)
    assert first + second <= two.ledger.limits["reads"].level * 1.001


def test_writes_begin_with_a_part_of_what_the_service_allows(two: Two):
    two.paces[0].sent(two.time(0), WRITES)

    assert two.paces[0].view(two.time(0)).rates[WRITES] == pytest.approx(0.9 * 30 / 2)

    two.turn(0)

    assert two.paces[0].view(two.time(0)).rates[WRITES] == pytest.approx(27)


def test_an_outage_that_most_see_holds_whoever_has_had_no_answer_lately():
    two = Two()
    third = Partner(Pace(PaceSettings()), "process 2")
    two.partners.append(third)
    two.clocks.append(0.0)
    for place in (0, 1, 2):
        two.turn(place)
    for place in (0, 1):
        for _ in range(10):
            two.paces[place].failed(two.time(place), two.paces[place].sent(two.time(place), None), chance=0.5)
        two.turn(place)
    two.now += 2

    assert two.turn(2) == [OutageBegan()]
    assert two.turn(2) == []


def test_an_outage_of_others_is_not_believed_by_whoever_still_gets_answers():
    two = Two()
    pace = Pace(PaceSettings())
    two.partners.append(Partner(pace, "process 2"))
    two.clocks.append(0.0)
    for place in (0, 1, 2):
        two.turn(place)
    for place in (0, 1):
        for _ in range(10):
            two.paces[place].failed(two.time(place), two.paces[place].sent(two.time(place), None), chance=0.5)
        two.turn(place)
    two.now += 2
    pace.accepted(two.time(2), pace.sent(two.time(2) - 0.1, None))

    assert two.turn(2) == []
    assert pace.outage_seconds(two.time(2)) == 0


def test_who_waits_long_for_its_next_turn_goes_sooner_when_there_is_room(two: Two):
    pace = two.paces[1]
    pace.window.settle(two.time(1), 0.03)
    two.rounds(1)
    pace.sent(two.time(1), None)
    two.rounds(3)

    assert pace.window.value > 1
    assert pace.ready_at(two.time(1), None) <= two.time(1) + 1


def test_in_an_outage_of_its_own_a_process_leaves_its_part_to_the_others(two: Two):
    two.paces[1].waiting = 400
    for _ in range(10):
        two.paces[0].failed(two.time(0), two.paces[0].sent(two.time(0), None), chance=0.5)
    two.rounds(3)

    assert two.paces[1].window.value >= 75
    assert two.paces[0].ready_at(two.time(0), None) < inf
