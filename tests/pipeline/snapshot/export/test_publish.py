"""What is published was read back and is what was written; else nothing is published, and the same command resumes."""

from pathlib import Path

import pytest

from readstate.errors import ExitCode, LocalDisk
from readstate.events import Compacting, Event
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot_store import open_store
from tests.helpers.exporting import Export, assert_same, world_rows


class DamagedOnce(Export):
    """Loses the end of a finished file before it is copied, as a disk does that was full for a moment."""

    is_damaged = False

    def on_event(self, event: Event) -> None:
        if isinstance(event, Compacting) and not self.is_damaged:
            (finished,) = self.work_dir.rglob("finished/r-*.parquet")
            finished.write_bytes(finished.read_bytes()[:-1])
            self.is_damaged = True


async def test_a_damaged_file_is_not_published_and_the_run_resumes(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = DamagedOnce(twilio, tmp_path)
    with pytest.raises(LocalDisk, match="read back, it is not what was written") as refusal:
        await job.run()
    assert refusal.value.exit_code == ExitCode.LOCAL_DISK
    assert open_store(job.root).dates() == []
    requests = twilio.counters().requests

    await job.run()

    assert_same(job.published(), world_rows(twilio))
    assert twilio.counters().requests <= requests + 2, "no user is read again"
