"""A simulator that listens: on a thread of its own, or on the running event loop."""

import asyncio
import json
import socket
import sys
import urllib.request

import pytest

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server import server
from readstate.simulator.server.server import running, serving
from readstate.simulator.world.world import World
from tests.helpers.simulated_api import AUTHORIZATION

SHAPE = WorldShape(users=60)


def _get(url: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers={"Authorization": AUTHORIZATION.decode()})
    with urllib.request.urlopen(request) as response:
        return response.status, dict(response.headers), response.read()


def test_it_runs_on_a_thread_of_its_own() -> None:
    with running(World(SHAPE)) as simulator:
        status, headers, body = _get(f"{simulator.base_url}/v1/Users?PageSize=2")

        assert status == 200
        assert len(json.loads(body)["users"]) == 2
        assert headers["Content-Type"] == "application/json;charset=utf-8"
        assert headers["Twilio-Request-Id"].startswith("RQ")
        assert len(headers["Twilio-Request-Id"]) == 34
        assert float(headers["Twilio-Request-Duration"]) >= 0
        assert headers["Twilio-Concurrent-Requests"] == "1"
        assert headers["X-API-Domain"] == "conversations.twilio.com"
        assert "Retry-After" not in headers
        assert simulator.counters().with_status(200) == 1
        assert simulator.counters().connections == 1
    with pytest.raises(OSError, match="refused"):
        _get(f"{simulator.base_url}/v1/Users")


def test_faults_and_behaviour_change_from_any_thread() -> None:
    with running(World(SHAPE)) as simulator:
        simulator.faults = Faults(concurrency_cap=0)
        with pytest.raises(urllib.error.HTTPError, match="429"):
            _get(f"{simulator.base_url}/v1/Users")
        simulator.faults = Faults()
        simulator.behaviour = Behaviour(page_size_over_maximum="reject")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            _get(f"{simulator.base_url}/v1/Users?PageSize=99")

        assert simulator.counters().refusals == {20429: 1}
        assert simulator.behaviour.page_size_over_maximum == "reject"
        simulator.reset_counters()
        assert simulator.counters().requests == 0


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)), running(World(SHAPE), port=port):
            pass


async def test_a_client_that_gave_up_does_not_undo_what_it_asked_for(dial) -> None:
    async with serving(World(SHAPE), faults=Faults(latency_ms=30)) as simulator:
        impatient, patient = await dial(simulator), await dial(simulator)
        impatient.send("DELETE", "/v1/Users/user-0")
        await impatient.writer.drain()
        impatient.writer.close()
        await patient.ask("GET", "/v1/Services")
        while simulator.world.default_service.find_user("user-0") is not None:
            await patient.ask("GET", "/v1/Services")

        assert simulator.effects()[-1].kind == "user.deleted"


async def test_stopping_hangs_up_on_those_who_wait(dial) -> None:
    async with serving(World(SHAPE), faults=Faults(outage="hang")) as simulator:
        connection = await dial(simulator)
        connection.send("GET", "/v1/Users")
        await connection.writer.drain()
        while simulator.counters().faults["hang"] == 0:
            await asyncio.sleep(0)

    assert await connection.reader.read() == b""


def test_without_uvloop_the_standard_loop_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = server.new_event_loop()
    loop.close()

    assert isinstance(loop, asyncio.SelectorEventLoop)
