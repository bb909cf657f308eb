"""A simulator whose key may only read, and a way to run mark-read against it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from tests.helpers.cli_shell import run_command
from tests.helpers.mark_read_rows import MarkReadOutput


@pytest.fixture(scope="package")
def twilio() -> Iterator[RunningSimulator]:
    with running(World(WorldShape(users=80, services=2, heaviest=60, odd_identities=0.4))) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def reading_key(twilio: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("TWILIO_AUTH_TOKEN", "TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(name, raising=False)
    # This key may read and nothing else: a write would be refused, and counted below.
    monkeypatch.setenv("TWILIO_API_KEY", twilio.credentials.restricted_api_key)
    monkeypatch.setenv("TWILIO_API_SECRET", twilio.credentials.restricted_api_secret)
    monkeypatch.setenv("READSTATE_BASE_URL", twilio.base_url)
    monkeypatch.setenv("READSTATE_WORK_DIR", str(tmp_path / "work"))
    twilio.reset_counters()
    before = len(twilio.effects())
    yield
    assert {method for method, _, _ in twilio.counters().answers} <= {"GET"}
    assert [effect for effect in twilio.effects()[before:] if effect.actor.startswith("RQ")] == []


@pytest.fixture
def mark_read() -> Any:
    def run(*arguments: str, code: int = 0) -> MarkReadOutput:
        result = run_command("mark-read", *arguments, "--json")
        assert result.code == code, result.stderr
        output = MarkReadOutput(result.document)
        left_out = sum(output.selection["left_out"].values())
        assert output.selection["selected"] + left_out == output.selection["rows"]
        assert len(output.rows) == output.selection["selected"]
        return output

    return run
