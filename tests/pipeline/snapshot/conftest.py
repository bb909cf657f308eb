from collections.abc import Iterator
from pathlib import Path

import pytest

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.exporting import Export

SHAPE = WorldShape(users=120, services=2, conversations_per_user=6, odd_identities=0.3, seed=3)


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(World(SHAPE), faults=Faults(concurrency_cap=None)) as simulator:
        yield simulator


@pytest.fixture
def job(twilio: RunningSimulator, tmp_path: Path) -> Export:
    return Export(twilio, tmp_path)
