"""When sending stops, and what lets it go on."""

from math import inf

from readstate.twilio.pacing.circuit_breaker import CircuitBreaker


def opened(now: float = 100.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    while not breaker.failed(now, 0.5):
        pass
    return breaker


def test_ten_failures_in_a_row_open_it() -> None:
    breaker = CircuitBreaker()

    assert [breaker.failed(1.0, 0.5) for _ in range(10)] == [False] * 9 + [True]
    assert breaker.opened_at == 1.0


def test_a_few_failures_over_a_while_open_it_too_because_a_lone_request_never_fails_ten_times() -> None:
    quick, slow, answered = CircuitBreaker(), CircuitBreaker(), CircuitBreaker()

    assert [quick.failed(now, 0.5) for now in (0.0, 2.0, 4.9)] == [False] * 3
    assert [slow.failed(now, 0.5) for now in (0.0, 4.0, 5.0)] == [False, False, True]
    answered.failed(0.0, 0.5)
    answered.failed(4.0, 0.5)
    answered.succeeded()
    assert [answered.failed(now, 0.5) for now in (5.0, 6.0, 9.9)] == [False] * 3


def test_most_requests_failing_opens_it_though_some_succeed() -> None:
    breaker = CircuitBreaker()
    for _ in range(100):
        breaker.succeeded()
        if any([breaker.failed(1.0, 0.5), breaker.failed(1.0, 0.5)]):
            break

    assert breaker.is_open


def test_probes_go_one_at_a_time_after_one_two_four_and_five_seconds() -> None:
    breaker, now, waits = opened(), 100.0, []
    for _ in range(5):
        waits.append(breaker.ready_at() - now)
        now = breaker.ready_at()
        breaker.probe_sent()
        assert breaker.ready_at() == inf
        breaker.probe_failed(now, 0.5)

    assert waits == [1, 2, 4, 5, 5]


def test_chance_spreads_the_probes_of_several_runs() -> None:
    early, late = CircuitBreaker(), CircuitBreaker()
    for _ in range(10):
        early.failed(0.0, 0.0)
        late.failed(0.0, 0.99)

    assert early.ready_at() < late.ready_at()


def test_three_answers_in_a_row_close_it() -> None:
    breaker = opened()

    assert not breaker.probe_succeeded(101)
    breaker.probe_failed(101, 0.5)
    assert [breaker.probe_succeeded(102) for _ in range(3)] == [False, False, True]
    assert not breaker.is_open
