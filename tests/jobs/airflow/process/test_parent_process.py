import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.airflow.process.parent_process import (
    EXIT_SECONDS,
    POLL_SECONDS,
    SAVE_SECONDS,
    CommandResult,
    ReadstateProcess,
)
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.fake_clock import FakeClock
from tests.helpers.processes import LONGEST_SECONDS, environment, wait_for_requests, wait_until

AIRFLOW_KILLS_AFTER_SECONDS = 5.0
UNANSWERED = {"READSTATE_READ_TIMEOUT_SECONDS": "600", "READSTATE_REQUEST_TIMEOUT_SECONDS": "600"}
SLOW = Faults(concurrency_cap=None, latency_ms=100)
"""So slow that an export takes four seconds; what is to meet one half-way needs much less."""
QUICK = replace(SLOW, latency_ms=5)


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(World(WorldShape(users=150, services=1, odd_identities=0.0)), faults=QUICK) as simulator:
        yield simulator


def export_to(folder: Path, *more: str) -> list[str]:
    return ["export", "--out", str(folder / "root"), "--date", "2024-11-23", "--max-in-flight", "4", "--json", *more]


def run(arguments: list[str], env: dict[str, str]) -> CommandResult:
    return ReadstateProcess(arguments, env).run(lambda *_: None)


class RunningCommand:
    """A command that runs on another thread, so that the test can stop it meanwhile.

    Its clock stands still: no signal follows the first one before the test advances it.
    """

    def __init__(self, arguments: list[str], env: dict[str, str]) -> None:
        self.clock = FakeClock()
        self.process = ReadstateProcess(arguments, env, monotonic=self.clock.monotonic)
        self.log: list[str] = []
        self._results: list[CommandResult] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> CommandResult:
        self._thread.join(LONGEST_SECONDS)
        return self._results[0]

    def _run(self) -> None:
        self._results.append(self.process.run(lambda _level, message: self.log.append(message)))


def test_stdout_becomes_a_document_and_stderr_the_log(twilio: RunningSimulator, tmp_path: Path) -> None:
    log: list[tuple[int, str]] = []

    result = ReadstateProcess(export_to(tmp_path), environment(twilio, tmp_path)).run(lambda *line: log.append(line))

    assert (result.exit_code, result.was_stopped) == (0, False)
    assert result.document["manifest"]["complete"]
    assert (logging.INFO, "150 users to read") in log, "with a level, and without a second timestamp"
    assert result.last_lines == tuple(message for _, message in log[-5:])


def test_a_refusal_keeps_its_exit_code_and_its_message() -> None:
    result = run(["snapshots"], dict(os.environ))

    assert result.exit_code == ExitCode.USAGE
    assert "ROOT" in "\n".join(result.last_lines)
    assert result.document == {}


@pytest.mark.parametrize("outage", ["no", "hang"])
def test_a_stop_saves_and_the_next_try_resumes(outage: str, twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = SLOW
    first = RunningCommand(export_to(tmp_path, "--grace", "2s"), environment(twilio, tmp_path, **UNANSWERED))
    wait_for_requests(twilio, 20)
    twilio.faults = replace(twilio.faults, outage=outage)
    first.process.stop()
    first.process.stop()
    stopped = first.result()
    twilio.faults = QUICK
    done = run(export_to(tmp_path), environment(twilio, tmp_path))

    assert stopped.was_stopped
    assert stopped.exit_code == ExitCode.TERMINATED
    assert not any("exiting at once" in line for line in first.log), first.log
    assert done.exit_code == 0
    assert done.document["manifest"]["starts"] == 2
    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))


def test_a_stop_takes_less_than_airflow_allows() -> None:
    assert SAVE_SECONDS + EXIT_SECONDS + POLL_SECONDS < AIRFLOW_KILLS_AFTER_SECONDS


def test_a_stop_that_comes_before_the_command_is_not_lost(twilio: RunningSimulator, tmp_path: Path) -> None:
    process = ReadstateProcess(export_to(tmp_path), environment(twilio, tmp_path))
    process.stop()

    result = process.run(lambda *_: None)

    assert result.was_stopped
    assert result.exit_code != 0
    assert not (tmp_path / "root").exists()


def test_a_command_that_takes_too_long_to_save_gets_a_second_signal(twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = Faults(outage="hang")
    slow = RunningCommand(export_to(tmp_path, "--grace", "600s"), environment(twilio, tmp_path, **UNANSWERED))
    wait_until(lambda: twilio.counters().faults["hang"] > 0)
    slow.process.stop()
    wait_until(lambda: any("finishing what is in flight" in line for line in slow.log))
    slow.clock.advance(SAVE_SECONDS)

    assert slow.result().exit_code == ExitCode.TERMINATED
    assert "exiting at once" in slow.log[-1]


def test_a_command_that_handles_no_signal_is_killed(twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = Faults(outage="hang")
    deaf = RunningCommand(export_to(tmp_path), environment(twilio, tmp_path))
    wait_until(lambda: twilio.counters().faults["hang"] > 0)
    assert deaf.process._process is not None
    deaf.process._process.send_signal(signal.SIGSTOP)
    deaf.process.stop()
    deaf.clock.advance(SAVE_SECONDS + EXIT_SECONDS)

    assert deaf.result().exit_code == -signal.SIGKILL


def test_a_timeout_of_airflow_stops_the_command_before_it_is_raised(twilio: RunningSimulator, tmp_path: Path) -> None:
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
            run(export_to(tmp_path, "--grace", "2s"), env)
    finally:
        signal.signal(signal.SIGALRM, before)
    twilio.faults = QUICK
    done = run(export_to(tmp_path), env)

    assert done.exit_code == 0, "the lock is free"
    assert done.document["manifest"]["starts"] == 2
