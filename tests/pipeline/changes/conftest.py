import pytest

from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.planning import NOW
from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture
def simulated() -> SimulatedApi:
    return SimulatedApi(WorldShape(users=200, services=2, heaviest=130), now=NOW)
