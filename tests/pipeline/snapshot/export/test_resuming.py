"""A stopped export resumes where it stopped, or says why it cannot."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import BadInput, ExitCode, NotPermitted, Stopped, StoppedEarly
from readstate.events import (
    Event,
    RequestAnswered,
    RunResumed,
)
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.roster.selection import RosterSelection
from readstate.stop import StopReason
from tests.helpers.exporting import Export, StoppingAfter, assert_same, changed, world_rows
from tests.helpers.processes import LONGEST_SECONDS


async def test_a_stopped_run_goes_on_where_it_was(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = StoppingAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=20), pytest.raises(Stopped, match="enough") as caught:
        await job.run(parallel=4)
    assert caught.value.exit_code == ExitCode.STOPPED_EARLY
    assert open_store(job.root).dates() == []
    requests_before = twilio.counters().requests

    job.users = 10_000
    manifest = await job.run()

    resumed = next(event for event in job.events if isinstance(event, RunResumed))
    assert resumed.users_done >= 30
    assert manifest.starts == 2
    assert manifest.requests.requests >= requests_before
    assert sum(window.requests for window in manifest.timeline) == manifest.requests.requests
    assert max(window.in_flight for window in manifest.timeline) >= 4
    assert_same(job.published(), world_rows(twilio))


async def test_the_time_between_two_starts_is_a_pause(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = StoppingAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=20), pytest.raises(Stopped):
        await job.run(parallel=4)
    (checkpoint,) = job.work_dir.rglob("checkpoint.sqlite")
    with sqlite3.connect(checkpoint) as connection:
        hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        (record,) = connection.execute("SELECT value FROM run WHERE name = 'record'").fetchone()
        moved = json.dumps(json.loads(record) | {"spans": [[hour_ago, hour_ago]]})
        connection.execute("UPDATE run SET value = ? WHERE name = 'record'", [moved])
        connection.execute("UPDATE run SET value = ? WHERE name = 'started_at'", [json.dumps(hour_ago)])

    job.users = 10_000
    manifest = await job.run()

    assert (manifest.ended_at - manifest.started_at).total_seconds() > 3600
    assert manifest.paused_seconds == pytest.approx(3600, abs=20)


async def test_a_start_that_ends_before_it_knows_a_user_leaves_nothing_behind(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    job = Export(twilio, tmp_path)

    with pytest.raises(BadInput, match="no service"):
        await job.run(selection=RosterSelection(services=("IS" + "0" * 32,)))
    assert list(job.work_dir.glob("exports/*")) == []
    await job.run()

    assert_same(job.published(), world_rows(twilio))


async def test_resuming_with_other_options_is_refused_and_says_which(twilio: RunningSimulator, tmp_path: Path) -> None:
    job = StoppingAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=20), pytest.raises(Stopped):
        await job.run(parallel=4)

    with pytest.raises(BadInput, match=r"other options \(limit\).*\n.*--restart"):
        await job.run(selection=RosterSelection(limit=50))


async def test_a_stop_while_nothing_answers_waits_no_longer_than_the_grace(
    twilio: RunningSimulator, job: Export
) -> None:
    job.settings |= {"read_timeout_seconds": 600.0, "request_timeout_seconds": 600.0}
    with changed(twilio, outage="hang"):
        run = asyncio.create_task(job.run(grace_seconds=0.2))
        while not twilio.counters().faults["hang"]:
            await asyncio.sleep(0.01)
        assert job.stop is not None
        job.stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))

        with pytest.raises(Stopped, match="SIGTERM"):
            await asyncio.wait_for(run, LONGEST_SECONDS)


async def test_credentials_that_are_refused_end_the_run(twilio: RunningSimulator, job: Export) -> None:
    with changed(twilio, suspended=True), pytest.raises(NotPermitted):
        await job.run()


async def test_an_outage_ends_the_run_in_time_and_it_can_go_on(twilio: RunningSimulator, tmp_path: Path) -> None:
    class OutageAfter(Export):
        def on_event(self, event: Event) -> None:
            if sum(isinstance(event, RequestAnswered) for event in self.events) == 60:
                twilio.faults = replace(twilio.faults, outage="503")

    job = OutageAfter(twilio, tmp_path)
    with changed(twilio, latency_ms=10), pytest.raises(StoppedEarly):
        await job.run(parallel=4)
    twilio.faults = Faults(concurrency_cap=None)
    job.on_event = lambda event: None  # type: ignore[method-assign]

    manifest = await job.run()

    assert manifest.complete
    assert_same(job.published(), world_rows(twilio))
