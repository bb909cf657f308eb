"""Bands that processes keep together when they share one account, in virtual time."""

import pytest

from readstate.twilio.pacing.limiter import LimiterSettings
from tests.helpers.shared_account import Crowd, jain
from tests.helpers.simulated_account import Account


@pytest.mark.parametrize("number", [1, 10])
def test_together_they_get_what_one_process_would_and_each_gets_the_same(number: int) -> None:
    crowd = Crowd(account := Account(), number)
    tally = crowd.until(30)

    assert tally.per_second(8, 30) >= 0.83 * account.left_over()
    assert tally.refused_share() <= 0.006
    assert tally.production_refused_share() <= 0.01
    assert jain(crowd.shares(8, 30)) >= 0.99


def test_a_rate_limit_is_met_once_and_divided() -> None:
    crowd = Crowd(account := Account(cap=1000, rate=300, production=30), 4)
    tally = crowd.until(40)

    assert tally.per_second(10, 40) >= 0.93 * account.left_over()
    assert tally.refused_share() <= 0.005
    assert jain(crowd.shares(10, 40)) >= 0.99


def test_writers_keep_together_to_the_actions_that_a_service_allows() -> None:
    account = Account(rate=30.0, burst=30, rate_code=50063, production=0)
    crowd = Crowd(account, 4, domain="writes:IS1")
    tally = crowd.until(60)

    assert 0.85 * 30 <= tally.per_second(10, 60) <= 30.5
    assert tally.refused_share() <= 0.01
    assert jain(crowd.shares(10, 60)) >= 0.99


def test_a_small_account_is_not_overrun_by_many() -> None:
    tally = Crowd(Account(cap=10, production=8.3), 10).until(60)

    assert tally.refused_share() <= 0.04  # 0.18 where nothing is shared


def test_max_rate_is_for_all_together() -> None:
    crowd = Crowd(Account(), 4, settings=LimiterSettings(max_rate=100))
    tally = crowd.until(30)

    assert 85 <= tally.per_second(10, 30) <= 101


def test_a_cap_that_falls_is_felt_by_all() -> None:
    crowd = Crowd(Account(), 4).at(15, cap=40)
    tally = crowd.until(40)

    assert tally.per_second(20, 40) >= 0.7 * Account(cap=40).left_over()
    assert sum(tally.refused[second] for second in range(15, 20)) <= 250
    assert jain(crowd.shares(20, 40)) >= 0.99


def test_an_outage_wastes_no_more_than_each_notices_by_itself_and_is_over_soon_after() -> None:
    crowd = Crowd(account := Account(), 4).at(10, failing=1.0).at(40, failing=0.0)
    tally = crowd.until(60)

    assert max(tally.failed[second] for second in range(13, 40)) <= 4
    assert tally.seconds_until(0.85 * 0.89 * account.left_over(), since=40) <= 12
