"""A command in a process of its own: followed, stopped in time, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.airflow.process import Ending, ReadstateProcess
from pipeline.errors import ExitCode
from pipeline.simulator.faults import Faults
from pipeline.simulator.server import RunningSimulator, running
from pipeline.simulator.shape import WorldShape
from pipeline.simulator.world import World
from tests.helpers.exporting import assert_same, world_rows
from tests.helpers.processes import environment
from tests.helpers.published import published_rows

MOST_SECONDS = 4.0
WORKER = """
import os, sys
from jobs.airflow.process import ReadstateProcess
ReadstateProcess(sys.argv[1:], os.environ).follow(print)
"""


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(
        World(WorldShape(users=150, services=1, odd_identities=0.0)), faults=Faults(concurrency_cap=None, latency_ms=30)
    ) as simulator:
        yield simulator


def export_to(folder: Path, *more: str) -> list[str]:
    return ["export", "--out", str(folder / "root"), "--date", "2024-11-23", "--max-in-flight", "4", "--json", *more]


class Following:
    """Follows a command on another thread, so that this one can do something to it meanwhile."""

    def __init__(self, words: list[str], env: dict[str, str]) -> None:
        self.process = ReadstateProcess(words, env)
        self.story: list[str] = []
        self.endings: list[Ending] = []
        self._thread = threading.Thread(target=lambda: self.endings.append(self.process.follow(self.story.append)))
        self._thread.start()

    def ending(self) -> Ending:
        self._thread.join(30)
        return self.endings[0]


def wait_for_requests(twilio: RunningSimulator, count: int) -> None:
    until = time.monotonic() + 30
    while twilio.counters().requests < count:
        assert time.monotonic() < until, "nobody asked"
        time.sleep(0.01)


def test_the_answer_comes_as_a_document_and_the_story_line_by_line(twilio: RunningSimulator, tmp_path: Path) -> None:
    story: list[str] = []

    ending = ReadstateProcess(export_to(tmp_path), environment(twilio, tmp_path)).follow(story.append)

    assert (ending.code, ending.was_stopped) == (0, False)
    assert ending.document["manifest"]["complete"]
    assert story
    assert ending.last_lines == tuple(story[-5:])


def test_a_refusal_gives_its_code_and_its_words(tmp_path: Path) -> None:
    ending = ReadstateProcess(["snapshots"], dict(os.environ)).follow(lambda _line: None)

    assert ending.code == ExitCode.USAGE
    assert "ROOT" in "\n".join(ending.last_lines)
    assert ending.document == {}


@pytest.mark.parametrize("outage", ["no", "hang"])
def test_a_stop_takes_less_than_airflow_allows_and_the_next_try_goes_on(
    outage: str, twilio: RunningSimulator, tmp_path: Path
) -> None:
    env = environment(twilio, tmp_path)
    first = Following(export_to(tmp_path, "--grace", "2s"), env)
    wait_for_requests(twilio, 100)
    twilio.faults = replace(twilio.faults, outage=outage)
    began = time.monotonic()
    first.process.stop()
    first.process.stop()
    stopped = first.ending()
    took = time.monotonic() - began
    twilio.faults = Faults(concurrency_cap=None)
    story: list[str] = []
    done = ReadstateProcess(export_to(tmp_path), env).follow(story.append)

    assert stopped.was_stopped
    # The second signal may meet an interpreter that has saved all and is on its way out.
    assert stopped.code in {ExitCode.TERMINATED, -signal.SIGTERM}
    assert took < MOST_SECONDS
    assert done.code == 0
    assert any("going on with" in line for line in story), story
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))


def test_a_stop_that_comes_before_the_command_is_not_lost(twilio: RunningSimulator, tmp_path: Path) -> None:
    process = ReadstateProcess(export_to(tmp_path), environment(twilio, tmp_path))
    process.stop()

    ending = process.follow(lambda _line: None)

    assert ending.was_stopped
    assert ending.code != 0
    assert not (tmp_path / "root").exists()


def test_a_command_that_does_not_listen_is_made_to_leave_in_time(twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = Faults(outage="hang")
    deaf = Following(export_to(tmp_path, "--grace", "60s"), environment(twilio, tmp_path))
    while not twilio.counters().connections:
        time.sleep(0.01)
    began = time.monotonic()
    deaf.process.stop()

    assert deaf.ending().code in {ExitCode.TERMINATED, -signal.SIGTERM, -signal.SIGKILL}
    assert time.monotonic() - began < MOST_SECONDS


def test_an_exception_of_the_scheduler_stops_the_command_before_it_goes_on_its_way(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    """Airflow 2's signal handler and both lines' timeouts raise in the middle of `follow`."""
    env = environment(twilio, tmp_path)
    alarm = threading.Timer(0, lambda: (wait_for_requests(twilio, 50), os.kill(os.getpid(), signal.SIGALRM)))

    class Timeout(BaseException):
        pass

    def raise_(*_: object) -> None:
        raise Timeout

    before = signal.signal(signal.SIGALRM, raise_)
    try:
        alarm.start()
        with pytest.raises(Timeout):
            ReadstateProcess(export_to(tmp_path, "--grace", "2s"), env).follow(lambda _line: None)
    finally:
        signal.signal(signal.SIGALRM, before)
    done = ReadstateProcess(export_to(tmp_path), env).follow(lambda _line: None)

    assert done.code == 0, "nobody holds the lock"
    assert done.document["manifest"]["starts"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_worker_that_is_killed_leaves_no_orphan_and_the_next_try_goes_on(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    env = environment(twilio, tmp_path)
    worker = subprocess.Popen([sys.executable, "-c", WORKER, *export_to(tmp_path, "--grace", "2s")], env=env)
    wait_for_requests(twilio, 100)
    worker.kill()
    worker.wait()
    until = time.monotonic() + 20
    while (done := ReadstateProcess(export_to(tmp_path), env).follow(lambda _line: None)).code == ExitCode.LOCKED:
        assert time.monotonic() < until, "the orphan still holds the lock"

    assert done.code == 0
    assert done.document["manifest"]["starts"] == 2
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
