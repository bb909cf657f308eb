"""A limiter among others: what it tells them, and what it makes of what they tell."""

from math import inf

import pytest

from readstate.events import OutageBegan
from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from readstate.twilio.shared_pace.ledger import WINDOW, Ledger, take_turn
from readstate.twilio.shared_pace.member import SharedMember

WRITES = "writes:IS1"


class Members:
    """Processes of one account, whose clocks show different times."""

    def __init__(self, number: int) -> None:
        self.ledger = Ledger()
        self.limiters = [AdaptiveLimiter(LimiterSettings()) for _ in range(number)]
        self.members = [SharedMember(limiter, f"process {place}") for place, limiter in enumerate(self.limiters)]
        self.now = 0.0

    def time(self, place: int) -> float:
        return 50.0 + 7_000 * place + self.now

    def turn(self, place: int) -> list[object]:
        report = self.members[place].report(self.time(place))
        self.ledger, result = take_turn(report, self.ledger, 1e6 + self.now)
        return list(self.members[place].apply(self.time(place), result, chance=0.5))

    def rounds(self, number: int) -> None:
        for _ in range(number):
            self.now += 0.5
            self.turn(0)
            self.now += 0.5
            self.turn(1)

    def break_down(self, place: int) -> None:
        now, limiter = self.time(place), self.limiters[place]
        for _ in range(10):
            limiter.failed(now, limiter.sent(now, None), chance=0.5)

    def refuse(self, place: int, *, code: int = 20429, after: float | None = None, domain: str | None = None) -> None:
        now = self.time(place)
        sent = self.limiters[place].sent(now, domain)
        self.limiters[place].refused(now, sent, code=code, retry_after=after, chance=0.0)


@pytest.fixture
def two() -> Members:
    """Two that share a window of eighty."""
    two = Members(2)
    two.limiters[0].window.reset(two.time(0), 80)
    two.rounds(2)
    return two


def test_what_is_learned_while_the_turn_is_taken_is_kept(two: Members) -> None:
    report = two.members[0].report(two.time(0))
    two.refuse(0)
    two.ledger, result = take_turn(report, two.ledger, 1e6 + two.now)
    two.members[0].apply(two.time(0), result, chance=0.5)

    assert two.limiters[0].window.state(two.time(0)).value == 39.5

    two.rounds(2)

    assert two.ledger.limits[WINDOW].value == 79.5


def test_a_pause_of_one_holds_the_other_for_as_long(two: Members) -> None:
    two.refuse(0, after=10.0)
    assert two.members[0].has_news()
    two.turn(0)
    assert not two.members[0].has_news()
    two.now += 0.7
    two.turn(1)

    assert two.limiters[1].ready_at(two.time(1), None) == pytest.approx(two.time(1) + 9.3)
    assert not two.members[1].has_news(), "who heard it from others need not tell them"


def test_a_rate_that_one_met_binds_the_other_too(two: Members) -> None:
    two.refuse(0, code=50074)
    assert two.members[0].has_news()
    two.rounds(4)

    first, second = (limiter.view(two.time(place)).rates["reads"] for place, limiter in enumerate(two.limiters))
    assert first == pytest.approx(second, rel=0.2)
    assert first + second <= two.ledger.limits["reads"].value * 1.001


def test_writes_begin_with_a_part_of_what_the_service_allows(two: Members) -> None:
    two.limiters[0].sent(two.time(0), WRITES)

    assert two.limiters[0].view(two.time(0)).rates[WRITES] == pytest.approx(0.9 * 30 / 2)

    two.turn(0)

    assert two.limiters[0].view(two.time(0)).rates[WRITES] == pytest.approx(27)


@pytest.mark.parametrize("has_recent_response", [False, True])
def test_an_outage_of_most_members_opens_the_breaker_of_one_without_recent_responses(has_recent_response: bool) -> None:
    members = Members(3)
    limiter = members.limiters[2]
    for place in range(3):
        members.turn(place)
    for place in range(2):
        members.break_down(place)
        members.turn(place)
    members.now += 2
    if has_recent_response:
        limiter.accepted(members.time(2), limiter.sent(members.time(2) - 0.1, None))

    assert members.turn(2) == ([] if has_recent_response else [OutageBegan()])
    assert members.turn(2) == []


def test_a_long_spacing_is_shortened_when_the_window_grows(two: Members) -> None:
    limiter = two.limiters[1]
    limiter.window.reset(two.time(1), 0.03)
    two.rounds(1)
    limiter.sent(two.time(1), None)
    two.rounds(3)

    assert limiter.window.value > 1
    assert limiter.ready_at(two.time(1), None) <= two.time(1) + 1


def test_in_an_outage_of_its_own_a_process_leaves_its_share_to_the_others(two: Members) -> None:
    two.limiters[1].waiting = 400
    two.break_down(0)
    two.rounds(3)

    assert two.limiters[1].window.value >= 75
    assert two.limiters[0].ready_at(two.time(0), None) < inf


def test_while_the_ledger_is_lost_a_service_without_writes_so_far_is_shared_as_well(two: Members) -> None:
    two.members[0].freeze(two.time(0))
    two.limiters[0].sent(two.time(0), WRITES)

    assert two.limiters[0].view(two.time(0)).rates[WRITES] == pytest.approx(0.9 * 30 / 2)
    assert two.limiters[0].pacers[WRITES].rate.most == 30 / 2  # type: ignore[union-attr]
