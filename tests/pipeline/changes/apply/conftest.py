from pathlib import Path

import pytest

from tests.helpers.apply_bench import Bench
from tests.helpers.apply_plans import SHAPE
from tests.helpers.planning import NOW
from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(SimulatedApi(SHAPE, now=NOW, actions_per_second=0), tmp_path)
