from collections.abc import Iterator

import pytest

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World

SHAPE = WorldShape(users=400, services=2, conversations_per_user=5, odd_identities=0.1, seed=5)


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    faults = Faults(concurrency_cap=None, latency_ms=15, reset_before_share=0.01, error_share=0.02)
    with running(World(SHAPE), faults=faults) as simulator:
        yield simulator
