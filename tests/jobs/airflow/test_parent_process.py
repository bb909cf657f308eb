"""A command in a process of its own: followed, stopped in time, and never left behind."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.airflow import parent_process as process
from readstate_jobs.airflow.parent_process import Ending, ReadstateProcess
from tests.helpers.exporting import assert_same, world_rows
from tests.helpers.fake_clock import FakeClock
from tests.helpers.processes import LONGEST_SECONDS, environment, spawn, wait_for_requests, wait_until
from tests.helpers.published import published_rows

AIRFLOW_KILLS_AFTER_SECONDS = 5.0
UNANSWERED = {"READSTATE_READ_TIMEOUT_SECONDS": "600", "READSTATE_REQUEST_TIMEOUT_SECONDS": "600"}
SLOW = Faults(concurrency_cap=None, latency_ms=100)
"""So slow that an export takes four seconds; what is to meet one half-way needs much less."""
QUICK = replace(SLOW, latency_ms=5)
WORKER = """
import os, sys
from readstate_jobs.airflow.parent_process import ReadstateProcess
ReadstateProcess(sys.argv[1:], os.environ).follow(print)
"""


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(World(WorldShape(users=150, services=1, odd_identities=0.0)), faults=QUICK) as simulator:
        yield simulator


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """What a command's follower looks at: no stop is hurried before the test says so."""
    clock = FakeClock()
    monkeypatch.setattr(process, "time", clock)
    return clock


def export_to(folder: Path, *more: str) -> list[str]:
    return ["export", "--out", str(folder / "root"), "--date", "2024-11-23", "--max-in-flight", "4", "--json", *more]


class Following:
    """Follows a command on another thread, so that this one can do something to it meanwhile."""

    def __init__(self, words: list[str], env: dict[str, str]) -> None:
        self.process = ReadstateProcess(words, env)
        self.story: list[str] = []
        self.endings: list[Ending] = []
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def ending(self) -> Ending:
        self._thread.join(LONGEST_SECONDS)
        return self.endings[0]

    def _follow(self) -> None:
        self.endings.append(self.process.follow(self.story.append))


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


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("outage", ["no", "hang"])
def test_a_stop_saves_and_the_next_try_goes_on(outage: str, twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = SLOW
    first = Following(export_to(tmp_path, "--grace", "2s"), environment(twilio, tmp_path, **UNANSWERED))
    wait_for_requests(twilio, 20)
    twilio.faults = replace(twilio.faults, outage=outage)
    first.process.stop()
    first.process.stop()
    stopped = first.ending()
    twilio.faults = QUICK
    story: list[str] = []
    done = ReadstateProcess(export_to(tmp_path), environment(twilio, tmp_path)).follow(story.append)

    assert stopped.was_stopped
    assert stopped.code == ExitCode.TERMINATED
    assert not any("exiting at once" in line for line in first.story), first.story
    assert done.code == 0
    assert any("going on with" in line for line in story), story
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))


def test_a_stop_takes_less_than_airflow_allows() -> None:
    slowest = process.SECONDS_TO_SAVE + process._SECONDS_TO_LEAVE + process._SECONDS_BETWEEN_LOOKS

    assert slowest < AIRFLOW_KILLS_AFTER_SECONDS


def test_a_stop_that_comes_before_the_command_is_not_lost(twilio: RunningSimulator, tmp_path: Path) -> None:
    process = ReadstateProcess(export_to(tmp_path), environment(twilio, tmp_path))
    process.stop()

    ending = process.follow(lambda _line: None)

    assert ending.was_stopped
    assert ending.code != 0
    assert not (tmp_path / "root").exists()


def test_a_command_that_takes_too_long_to_save_is_told_to_leave(
    twilio: RunningSimulator, tmp_path: Path, clock: FakeClock
) -> None:
    twilio.faults = Faults(outage="hang")
    slow = Following(export_to(tmp_path, "--grace", "600s"), environment(twilio, tmp_path, **UNANSWERED))
    wait_until(lambda: twilio.counters().accidents["hang"] > 0)
    slow.process.stop()
    wait_until(lambda: any("finishing what is in flight" in line for line in slow.story))
    clock.advance(process.SECONDS_TO_SAVE)

    assert slow.ending().code == ExitCode.TERMINATED
    assert "exiting at once" in slow.story[-1]


def test_a_command_that_does_not_listen_is_made_to_leave(
    twilio: RunningSimulator, tmp_path: Path, clock: FakeClock
) -> None:
    twilio.faults = Faults(outage="hang")
    deaf = Following(export_to(tmp_path), environment(twilio, tmp_path))
    wait_until(lambda: twilio.counters().accidents["hang"] > 0)
    assert deaf.process._process is not None
    deaf.process._process.send_signal(signal.SIGSTOP)
    deaf.process.stop()
    clock.advance(process.SECONDS_TO_SAVE + process._SECONDS_TO_LEAVE)

    assert deaf.ending().code == -signal.SIGKILL


def test_an_exception_of_the_scheduler_stops_the_command_before_it_goes_on_its_way(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    """Airflow 2's signal handler and both lines' timeouts raise in the middle of `follow`."""
    twilio.faults = SLOW
    env = environment(twilio, tmp_path)
    alarm = threading.Timer(0, lambda: (wait_for_requests(twilio, 20), os.kill(os.getpid(), signal.SIGALRM)))

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
    twilio.faults = QUICK
    done = ReadstateProcess(export_to(tmp_path), env).follow(lambda _line: None)

    assert done.code == 0, "nobody holds the lock"
    assert done.document["manifest"]["starts"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_worker_that_is_killed_leaves_no_orphan_and_the_next_try_goes_on(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    twilio.faults = SLOW
    env = environment(twilio, tmp_path)
    worker = spawn([sys.executable, "-c", WORKER, *export_to(tmp_path, "--grace", "2s")], env)
    wait_for_requests(twilio, 20, worker)
    worker.kill()
    worker.communicate()
    twilio.faults = QUICK
    endings: list[Ending] = []

    def tried() -> bool:
        endings.append(ReadstateProcess(export_to(tmp_path), env).follow(lambda _line: None))
        return endings[-1].code != ExitCode.LOCKED

    wait_until(tried)  # until the orphan has saved

    done = endings[-1]
    assert done.code == 0
    assert done.document["manifest"]["starts"] == 2
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
