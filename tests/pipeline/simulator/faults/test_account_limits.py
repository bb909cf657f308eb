import pytest

from readstate.simulator.faults.account_limits import AccountLimits
from readstate.simulator.faults.faults import Faults
from readstate.simulator.faults.injector import FaultInjector
from tests.helpers.fake_clock import FakeClock


def test_a_slot_is_free_again_when_its_request_leaves() -> None:
    clock = FakeClock()
    account = AccountLimits(FaultInjector(1, Faults(concurrency_cap=2)), clock.monotonic)

    verdicts = [account.enter() for _ in range(3)]
    account.leave()

    assert verdicts == ["admitted", "admitted", "too_many_at_once"]
    assert account.enter() == "admitted"
    assert account.in_service == 2


def test_a_bucket_fills_at_the_rate_and_holds_no_more_than_the_burst() -> None:
    clock = FakeClock()
    account = AccountLimits(
        FaultInjector(1, Faults(requests_per_second_cap=10, requests_burst=5, concurrency_cap=None)), clock.monotonic
    )

    at_once = [account.enter() for _ in range(6)]
    clock.advance(0.35)
    later = [account.enter() for _ in range(4)]
    clock.advance(1_000)
    after_a_rest = [account.enter() for _ in range(6)]

    assert at_once == ["admitted"] * 5 + ["too_many_a_second"]
    assert later == ["admitted"] * 3 + ["too_many_a_second"]
    assert after_a_rest == ["admitted"] * 5 + ["too_many_a_second"]


def test_a_fixed_window_counts_anew_when_it_turns() -> None:
    clock = FakeClock()
    faults = Faults(requests_per_second_cap=3, requests_window_seconds=1, concurrency_cap=None)
    account = AccountLimits(FaultInjector(1, faults), clock.monotonic)

    first = [account.enter() for _ in range(4)]
    clock.advance(1)
    second = [account.enter() for _ in range(4)]

    assert first == second == ["admitted"] * 3 + ["too_many_a_second"]


def test_production_takes_about_rate_times_latency_slots() -> None:
    clock = FakeClock()
    faults = Faults(background_requests_per_second=83, latency_ms=120, latency_sigma=0.5)
    account = AccountLimits(FaultInjector(1, faults), clock.monotonic)
    taken = []
    for _ in range(2_000):
        clock.advance(0.1)
        account.catch_up(clock.monotonic())
        taken.append(account.in_service)

    assert sum(taken[10:]) / len(taken[10:]) == pytest.approx(83 * 0.12, rel=0.05)
    assert account.background.arrived == pytest.approx(83 * 200, rel=0.05)
    assert account.background.refused == 0


def test_our_requests_crowd_production_out() -> None:
    clock = FakeClock()
    faults = Faults(background_requests_per_second=50, latency_ms=100, concurrency_cap=20)
    account = AccountLimits(FaultInjector(1, faults), clock.monotonic)
    for _ in range(19):
        account.enter()
    clock.advance(60)
    account.catch_up(clock.monotonic())

    assert account.background.refused / account.background.arrived > 0.5


def test_production_is_silent_while_there_is_an_outage_or_none_of_it() -> None:
    clock = FakeClock()
    injector = FaultInjector(1, Faults(background_requests_per_second=50, latency_ms=100))
    account = AccountLimits(injector, clock.monotonic)
    account.catch_up(clock.monotonic())
    clock.advance(1)
    account.catch_up(clock.monotonic())
    arrived = account.background.arrived
    injector.change(Faults(background_requests_per_second=50, latency_ms=100, outage="hang"))
    clock.advance(10)
    account.catch_up(clock.monotonic())

    assert arrived > 20
    assert account.background.arrived == arrived
    assert account.in_service == 0
