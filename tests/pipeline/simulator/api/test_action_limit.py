"""Token buckets of changes, one a scope."""

import pytest

from readstate.simulator.api.action_limit import ActionBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_actions_are_counted_by_scope(clock: Clock) -> None:
    buckets = ActionBuckets(clock)

    first = [buckets.take("a", 3) for _ in range(4)]
    other = buckets.take("b", 3)
    clock.now += 0.4
    later = [buckets.take("a", 3) for _ in range(2)]

    assert first == [True, True, True, False]
    assert other
    assert later == [True, False]


def test_the_oldest_scopes_are_forgotten(clock: Clock) -> None:
    buckets = ActionBuckets(clock)
    buckets.take("first", 1)
    for scope in range(10_000):
        buckets.take(scope, 1)

    assert buckets.take("first", 1)
    assert not buckets.take(9_999, 1)
