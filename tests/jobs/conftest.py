"""Simulators and commands that the tests of several commands share."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from readstate.changes.plans.reader import Plan
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.bulk_changes import mixed_lines
from tests.helpers.cli_shell import CommandOutput, RunCommand, Shell, run_command


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with running(
        World(WorldShape(users=60, services=2, seed=3, heaviest=70)), faults=Faults(concurrency_cap=None)
    ) as simulator:
        yield simulator


@pytest.fixture
def shell(twilio: RunningSimulator, tmp_path: Path) -> Shell:
    """Runs commands against the test's simulator, writing as fast as that lets it."""
    return Shell(twilio, tmp_path, {"READSTATE_WRITES_PER_SECOND": "2000"})


@pytest.fixture
def plan(shell: Shell) -> Plan:
    """12 updates and 4 removals."""
    return shell.plan(mixed_lines(shell.twilio, updates=12, removals=4))


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, no credentials, an empty home and an empty current folder."""
    for name in list(os.environ):
        if name.startswith(("TWILIO_", "READSTATE_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def readstate(clean_environment: None) -> RunCommand:
    """Runs ``readstate`` without credentials."""
    return run_command


@pytest.fixture
def connected(clean_environment: None, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Runs ``readstate`` with the simulator's credentials in the environment; no output may hold them."""
    account = twilio.credentials
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", account.account_sid)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", account.auth_token)
    monkeypatch.setenv("READSTATE_BASE_URL", twilio.base_url)

    def run(*arguments: str, env: Mapping[str, str] | None = None) -> CommandOutput:
        output = run_command(*arguments, env=env)
        assert account.auth_token not in output.stdout + output.stderr
        return output

    return run
