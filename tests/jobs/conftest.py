"""Types command lines into this process, and remembers what came of them."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.cli.main import main
from tests.helpers.bulk import Shell


@dataclass(frozen=True)
class Typed:
    """What a command line gave."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Type = Callable[..., Typed]


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
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person without settings or credentials, in an empty folder."""
    for name in list(os.environ):
        if name.startswith(("TWILIO_", "READSTATE_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def typed(nobody: None, capfd: pytest.CaptureFixture[str]) -> Type:
    """Type ``readstate`` and words without credentials."""

    def type_(*words: str) -> Typed:
        capfd.readouterr()
        code = main(list(words))
        captured = capfd.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Typed(code, captured.out, captured.err)

    return type_


@pytest.fixture
def connected(typed: Type, twilio: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type ``readstate`` and words with the simulator's credentials in the environment; no output may hold them."""
    account = twilio.credentials
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", account.account_sid)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", account.auth_token)
    monkeypatch.setenv("READSTATE_BASE_URL", twilio.base_url)

    def type_(*words: str) -> Typed:
        given = typed(*words)
        assert account.auth_token not in given.out + given.err
        return given

    return type_
