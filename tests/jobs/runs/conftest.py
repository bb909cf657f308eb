"""A simulator of people who can be changed quickly."""

from collections.abc import Iterator

import pytest

from readstate.simulator.server.server import RunningSimulator
from tests.helpers.bulk_changes import unwatched


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with unwatched(users=60, services=1) as simulator:
        yield simulator
