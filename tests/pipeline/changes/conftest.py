from pathlib import Path

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.apply_bench import Bench
from tests.helpers.apply_plans import SHAPE
from tests.helpers.planning import NOW
from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture
def simulated() -> SimulatedApi:
    return SimulatedApi(WorldShape(users=200, services=2, heaviest=130), now=NOW)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(SimulatedApi(SHAPE, now=NOW, actions_per_second=0), tmp_path)
