from pathlib import Path

import pytest

from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.shards.staging import Staging
from tests.helpers.exporting import Export
from tests.helpers.shard_runs import RUN, ShardedExport


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
