"""Bands that the limiter keeps on a simulated account, in virtual time; they allow for chance, not for regressions."""

import pytest

from readstate.twilio.pacing.limiter import AdaptiveLimiter, LimiterSettings
from tests.helpers.simulated_account import Account, Run, Tally


def run(account: Account, settings: LimiterSettings | None = None, *, domain: str | None = None) -> Run:
    return Run(account, AdaptiveLimiter(settings or LimiterSettings()), domain=domain)


@pytest.fixture(scope="module")
def steady() -> Tally:
    """A minute on an account whose limits stay."""
    return run(Account()).until(60)


def test_a_steady_account_is_used_up_to_what_production_needs_for_its_own_waves(steady: Tally) -> None:
    # The exact frontier at 0.5 % refused is 0.89 of what production leaves over.
    assert steady.per_second(10, 60) >= 0.83 * Account().left_over()
    assert steady.refused_share() <= 0.005
    assert steady.production_refused_share() <= 0.01


def test_a_cold_start_takes_two_seconds(steady: Tally) -> None:
    assert steady.seconds_until(0.85 * 0.89 * Account().left_over()) <= 2


def test_a_large_account_is_found_as_quickly() -> None:
    tally = run(account := Account(cap=400, production=330)).until(8)

    assert tally.seconds_until(0.85 * 0.94 * account.left_over()) <= 3
    assert tally.refused_share() <= 0.02


def test_a_cap_that_falls_costs_few_refusals_and_is_followed() -> None:
    tally = run(Account()).at(20, cap=40).until(60)

    assert tally.per_second(25, 60) >= 0.7 * Account(cap=40).left_over()  # the frontier: 0.8
    assert sum(tally.refused[second] for second in range(20, 25)) <= 200
    assert tally.refused_share() <= 0.01


def test_a_cap_that_rises_is_used_within_twelve_seconds() -> None:
    tally = run(Account(cap=60, production=41)).at(20, cap=180).until(40)

    assert tally.seconds_until(0.85 * Account(cap=180, production=41).left_over(), since=20) <= 12


def test_a_cap_of_ten_is_shared_with_production() -> None:
    tally = run(account := Account(cap=10, production=8.3)).until(90)

    assert tally.per_second(10, 90) >= 0.5 * account.left_over()
    assert tally.refused_share() <= 0.01
    assert tally.production_refused_share() <= 0.05


def test_production_first_refuses_a_third(steady: Tally) -> None:
    kinder = run(Account(), LimiterSettings(refusal_budget=0.001)).until(60)

    assert kinder.production_refused_share() <= 0.004
    assert kinder.refused_share() <= 0.6 * steady.refused_share()


def test_a_rate_limit_is_met_without_knowing_it() -> None:
    tally = run(account := Account(cap=1000, rate=300, production=30)).until(60)

    assert tally.per_second(5, 60) >= 0.97 * account.left_over()
    assert tally.refused_share() <= 0.005


@pytest.mark.parametrize(
    ("account", "goodput", "seconds"),
    [
        (Account(cap=1000, rate=300, production=30, retry_after=1.0), 0.85, 60),
        (Account(cap=1000, rate=28, burst=6, production=5.6, retry_after=5.0, service=0.045), 0.5, 300),
        (Account(retry_after=1.0), 0.5, 60),
    ],
    ids=["rate", "low rate", "cap"],
)
def test_pauses_that_the_server_asks_for_are_seldom_caused(account: Account, goodput: float, seconds: int) -> None:
    tally = run(account).until(seconds)

    assert tally.per_second(10, seconds) >= goodput * account.left_over()
    assert tally.refused_share() <= 0.01


def test_far_away_the_window_grows_beyond_the_cap() -> None:
    far = run(account := Account(service=0.04, round_trip=0.09, production=250))
    tally = far.until(30)

    assert far.limiter.view(30).window > account.cap
    assert tally.per_second(10, 30) >= 0.72 * account.left_over()


def test_an_outage_of_a_minute_wastes_little_and_is_over_soon_after() -> None:
    tally = run(account := Account()).at(30, failing=1.0).at(90, failing=0.0).until(120)

    assert tally.failed.total() <= 0.002 * tally.accepted.total() + 100  # what was in flight, and a probe each 5 s
    assert max(tally.failed[second] for second in range(32, 90)) <= 1
    assert tally.seconds_until(0.85 * 0.89 * account.left_over(), since=90) <= 10


def test_a_third_of_failures_is_no_outage() -> None:
    tally = run(account := Account(failing=0.3)).until(30)

    assert tally.per_second(5, 30) >= 0.7 * 0.83 * account.left_over()


def test_an_account_that_admits_nothing_gets_few_requests_and_is_used_again_when_it_admits() -> None:
    blocked = run(Account(cap=0, production=0)).at(60, cap=50)
    tally = blocked.until(150)

    assert sum(tally.refused[second] for second in range(20, 60)) <= 40 * 6
    assert tally.per_second(140, 150) >= 0.5 * 50 / 0.12


@pytest.mark.parametrize("limit", [30.0, 12.0])
def test_writes_keep_to_the_actions_per_second_that_the_service_allows(limit) -> None:
    account = Account(rate=limit, burst=limit, rate_code=50063, production=0)
    tally = run(account, domain="writes:IS1").until(60)

    assert 0.85 * limit <= tally.per_second(10, 60) <= limit
    assert tally.refused_share() <= 0.03
