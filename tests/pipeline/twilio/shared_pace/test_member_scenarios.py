"""Bands that processes keep together which share one account, in virtual time."""

import pytest

from readstate.twilio.pacing.limiter import LimiterSettings
from readstate.twilio.shared_pace.ledger import LEASE_SECONDS, Ledger
from tests.helpers.shared_account import Crowd, jain
from tests.helpers.simulated_account import Account


@pytest.mark.parametrize("number", [1, 4, 10])
def test_together_they_get_what_one_would_and_each_the_same(number: int):
    crowd = Crowd(account := Account(), number)
    tally = crowd.until(30)

    assert tally.per_second(8, 30) >= 0.83 * account.left_over()
    assert tally.refused_share() <= 0.006
    assert tally.production_refused_share() <= 0.01
    assert jain(crowd.shares(8, 30)) >= 0.99


def test_nothing_shared_is_unfair():
    crowd = Crowd(Account(), 10, shared=False)
    crowd.until(20)

    assert jain(crowd.shares(8, 20)) < 0.95


def test_a_rate_limit_is_met_once_and_divided():
    crowd = Crowd(account := Account(cap=1000, rate=300, production=30), 4)
    tally = crowd.until(40)

    assert tally.per_second(10, 40) >= 0.93 * account.left_over()
    assert tally.refused_share() <= 0.005
    assert jain(crowd.shares(10, 40)) >= 0.99


def test_a_pause_holds_all_and_is_seldom_caused():
    crowd = Crowd(account := Account(cap=1000, rate=300, production=30, retry_after=1.0), 4)
    tally = crowd.until(60)

    assert tally.per_second(10, 60) >= 0.88 * account.left_over()
    assert tally.refused_share() <= 0.002
    assert jain(crowd.shares(10, 60)) >= 0.99


def test_writers_keep_together_to_the_actions_that_a_service_allows():
    account = Account(rate=30.0, burst=30, rate_code=50063, production=0)
    crowd = Crowd(account, 4, domain="writes:IS1")
    tally = crowd.until(60)

    assert 0.85 * 30 <= tally.per_second(10, 60) <= 30.5
    assert tally.refused_share() <= 0.01
    assert jain(crowd.shares(10, 60)) >= 0.99


def test_a_small_account_is_not_overrun_by_many():
    together = Crowd(Account(cap=10, production=8.3), 10).until(60)
    apart = Crowd(Account(cap=10, production=8.3), 10, shared=False).until(60)

    assert together.refused_share() <= 0.04
    assert apart.refused_share() >= 0.1


def test_max_rate_is_for_all_together():
    crowd = Crowd(Account(), 4, settings=LimiterSettings(max_rate=100))
    tally = crowd.until(30)

    assert 85 <= tally.per_second(10, 30) <= 101


def test_a_joiner_has_its_share_within_seconds():
    crowd = Crowd(Account(), 3)
    joiner = crowd.join(at=20)
    crowd.until(40)

    assert joiner.tally.per_second(24, 26) >= 0.85 * crowd.shares(24, 26)[0]
    assert jain(crowd.shares(25, 40)) >= 0.99


def test_the_share_of_a_dead_process_returns_within_seconds():
    crowd = Crowd(account := Account(), 4)
    crowd.kill(crowd.clients[-1], at=15)
    tally = crowd.until(35)

    assert tally.per_second(16, 19) <= 0.75 * account.left_over()
    since = 15 + int(LEASE_SECONDS) + 3
    assert tally.per_second(since, 35) >= 0.83 * account.left_over()


def test_it_is_need_that_is_shared_and_not_the_number():
    crowd = Crowd(account := Account(), 3)
    crowd.clients[0].workers = crowd.clients[1].workers = 5
    tally = crowd.until(30)
    idle, _, busy = crowd.shares(15, 30)

    assert idle >= 0.85 * 5 / 0.132
    assert busy >= 0.83 * account.left_over() - 2 * 5 / 0.12
    assert tally.refused_share() <= 0.006


def test_a_cap_that_falls_is_felt_by_all():
    crowd = Crowd(Account(), 4).at(15, cap=40)
    tally = crowd.until(40)

    assert tally.per_second(20, 40) >= 0.7 * Account(cap=40).left_over()
    assert sum(tally.refused[second] for second in range(15, 20)) <= 250
    assert jain(crowd.shares(20, 40)) >= 0.99


def test_a_cap_that_rises_is_used_within_twelve_seconds():
    tally = Crowd(Account(cap=60, production=41), 4).at(20, cap=180).until(40)

    assert tally.seconds_until(0.85 * Account(cap=180, production=41).left_over(), since=20) <= 12


def test_an_outage_wastes_no_more_than_each_notices_by_itself_and_is_over_soon_after():
    crowd = Crowd(account := Account(), 4).at(10, failing=1.0).at(40, failing=0.0)
    tally = crowd.until(60)

    assert max(tally.failed[second] for second in range(13, 40)) <= 4
    assert tally.seconds_until(0.85 * 0.89 * account.left_over(), since=40) <= 12


def test_without_the_ledger_nobody_climbs_above_its_last_share_and_all_goes_on_when_it_is_back():
    crowd = Crowd(account := Account(cap=60, production=41), 4)
    crowd.until(10)
    crowd.ledger_is_lost = True
    held = sum(client.limiter.window.value for client in crowd.clients)
    crowd.at(11, cap=180).until(20)

    assert sum(client.limiter.window.value for client in crowd.clients) <= held + 2

    crowd.ledger_is_lost, crowd.ledger = False, Ledger()
    tally = crowd.until(45)

    assert tally.per_second(35, 45) >= 0.8 * account.left_over()
    assert jain(crowd.shares(25, 45)) >= 0.99


def test_without_ever_meeting_the_others_a_process_stays_small():
    crowd = Crowd(Account(), 4)
    crowd.ledger_is_lost = True
    tally = crowd.until(15)

    assert all(client.limiter.window.value <= 10 for client in crowd.clients)
    assert tally.per_second(5, 15) >= 0.9 * 40 / 0.132
