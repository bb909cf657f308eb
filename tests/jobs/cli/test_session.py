"""A command's session: one connection, whose events reach everything that observes the command."""

from pathlib import Path

import pytest

from readstate.credentials import Credentials
from readstate.events import Event
from readstate.settings import Settings, load_settings
from readstate.simulator.server.server import RunningSimulator
from readstate.stop import StopSwitch
from readstate_jobs.cli.session import open_session


@pytest.fixture
def settings(twilio: RunningSimulator, tmp_path: Path) -> Settings:
    flags = {"base_url": twilio.base_url, "metrics_file": str(tmp_path / "m.prom"), "max_in_flight": 7}
    return load_settings(flags=flags, environ={}).settings


@pytest.fixture
def credentials(twilio: RunningSimulator) -> Credentials:
    account = twilio.credentials
    return Credentials(account.account_sid, account.account_sid, account.auth_token)


async def test_events_of_the_connection_reach_every_observer_and_the_metrics(
    twilio: RunningSimulator, settings: Settings, credentials: Credentials, tmp_path: Path
) -> None:
    seen: list[Event] = []

    async with open_session(settings, credentials, command="plan", observers=[seen.append]) as session:
        found = await session.find_target(None)
        session.succeeded()

    assert found.target.service_sid == twilio.world.default_service.sid
    assert found.target.base_url == twilio.base_url
    assert seen != []
    metrics = (tmp_path / "m.prom").read_text()
    assert f'readstate_requests_total{{command="plan",status="200"}} {twilio.counters().requests}' in metrics
    assert "readstate_last_success_timestamp_seconds" in metrics


async def test_reading_depends_on_what_the_session_has(
    twilio: RunningSimulator, settings: Settings, credentials: Credentials
) -> None:
    stop = StopSwitch()

    async with open_session(settings, credentials, command="plan") as session:
        context = session.read_context("IS1", stop)

    assert (context.service_sid, context.stop, context.parallel) == ("IS1", stop, 7)
    assert (context.clock, context.emit) == (session.clock, session.emit)
