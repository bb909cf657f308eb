import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from readstate_jobs.airflow.process.parent_process import CommandResult, ReadstateProcess
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.processes import environment, spawn, wait_for_requests, wait_until

WORKER = """
import os, sys
from readstate_jobs.airflow.process.parent_process import ReadstateProcess
ReadstateProcess(sys.argv[1:], os.environ).run(lambda *_: None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a child when its parent dies")
def test_a_worker_that_is_killed_leaves_no_orphan_and_the_next_try_resumes(tmp_path: Path) -> None:
    export = ["export", "--out", str(tmp_path / "root"), "--date", "2024-11-23", "--max-in-flight", "4", "--json"]
    slow = Faults(concurrency_cap=None, latency_ms=100)
    with running(World(WorldShape(users=150, services=1, odd_identities=0.0)), faults=slow) as twilio:
        env = environment(twilio, tmp_path)
        worker = spawn([sys.executable, "-c", WORKER, *export, "--grace", "2s"], env)
        wait_for_requests(twilio, 20, worker)
        worker.kill()
        worker.communicate()
        twilio.faults = replace(slow, latency_ms=5)
        results: list[CommandResult] = []

        def is_unlocked() -> bool:
            results.append(ReadstateProcess(export, env).run(lambda *_: None))
            return results[-1].exit_code != ExitCode.LOCKED

        wait_until(is_unlocked)  # the orphan saves first

        done = results[-1]
        assert done.exit_code == 0
        assert done.document["manifest"]["starts"] == 2
        assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
