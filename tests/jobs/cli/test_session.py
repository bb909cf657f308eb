from pathlib import Path

from readstate.events import Event
from readstate.settings.credentials import Credentials
from readstate.settings.settings import load_settings
from readstate.simulator.server.server import RunningSimulator
from readstate.stop import StopSwitch
from readstate_jobs.cli.session import open_session


async def test_events_of_the_connection_reach_every_observer_and_the_metrics(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    account = twilio.credentials
    flags = {"base_url": twilio.base_url, "metrics_file": str(tmp_path / "m.prom"), "max_in_flight": 7}
    settings = load_settings(flags=flags, environ={}).settings
    credentials = Credentials(account.account_sid, account.account_sid, account.auth_token)
    seen: list[Event] = []

    async with open_session(settings, credentials, command="plan", observers=[seen.append]) as session:
        found = await session.find_target(None)
        context = session.read_context("IS1", StopSwitch())
        session.succeeded()

    assert found.target.service_sid == twilio.world.default_service.sid
    assert found.target.base_url == twilio.base_url
    assert (context.service_sid, context.parallel, context.emit) == ("IS1", 7, session.emit)
    assert seen != []
    metrics = (tmp_path / "m.prom").read_text()
    assert f'readstate_requests_total{{command="plan",status="200"}} {twilio.counters().requests}' in metrics
    assert "readstate_last_success_timestamp_seconds" in metrics
