"""One small world, to be exported in shards and by one process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.shards.staging import Staging
from tests.helpers.exporting import Export
from tests.helpers.shard_runs import RUN, ShardedExport

SHAPE = WorldShape(users=90, services=2, conversations_per_user=6, odd_identities=0.3, seed=3)


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(World(SHAPE), faults=Faults(concurrency_cap=None)) as simulator:
        yield simulator


@pytest.fixture
def job(twilio: RunningSimulator, tmp_path: Path) -> ShardedExport:
    return ShardedExport(twilio, tmp_path / "sharded")


@pytest.fixture
def single(twilio: RunningSimulator, tmp_path: Path) -> Export:
    """The same export by one process."""
    return Export(twilio, tmp_path / "single")


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    """A staging area without shards."""
    return Staging(open_store(str(tmp_path / "root")), RUN)
