from readstate.simulator.api.action_limit import ActionBuckets
from tests.helpers.fake_clock import FakeClock


def test_actions_are_counted_by_scope() -> None:
    clock = FakeClock()
    buckets = ActionBuckets(clock.monotonic)

    first = [buckets.take("a", 3) for _ in range(4)]
    other = buckets.take("b", 3)
    clock.advance(0.4)
    later = [buckets.take("a", 3) for _ in range(2)]

    assert first == [True, True, True, False]
    assert other
    assert later == [True, False]


def test_the_oldest_scopes_are_forgotten() -> None:
    clock = FakeClock()
    buckets = ActionBuckets(clock.monotonic)
    buckets.take("first", 1)
    for scope in range(10_000):
        buckets.take(scope, 1)

    assert buckets.take("first", 1)
    assert not buckets.take(9_999, 1)
