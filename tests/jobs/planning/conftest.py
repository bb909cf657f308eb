"""A simulator, and changes files about its memberships."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.changes_files import open_rows, write_lines


@pytest.fixture(scope="package")
def twilio() -> Iterator[RunningSimulator]:
    with running(World(WorldShape(users=60, services=1, heaviest=60))) as simulator:
        yield simulator


@pytest.fixture
def changes(clean_environment: None, twilio: RunningSimulator) -> Path:
    """Three updates and a removal."""
    found = open_rows(twilio)
    other = {"default": "muted", "muted": "default"}
    lines = [
        f"{row['user_sid']},{row['conversation_sid']},update,{other[row['notification_level']]}" for row in found[:3]
    ]
    removal = f"{found[4]['user_sid']},{found[4]['conversation_sid']},delete,"
    return write_lines("ops.csv", "user,conversation,op,notification_level", *lines, removal)
