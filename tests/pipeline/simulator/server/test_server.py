"""The simulator over real sockets: HTTP as clients speak it."""

import asyncio
import contextlib
import json
import socket
import sys
import urllib.request
from email.utils import parsedate_to_datetime

import pytest

from readstate.simulator.api.api import Request
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server import server
from readstate.simulator.server.server import running, serving
from readstate.simulator.server.simulator import Simulator
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


def test_production_is_refused_because_of_us() -> None:
    faults = Faults(background_requests_per_second=2000, latency_ms=20, concurrency_cap=1)
    with running(World(SHAPE)) as simulator:
        quiet = simulator.background_refused_share()
        simulator.faults = faults
        while simulator.background_refused_share() == 0:
            with contextlib.suppress(urllib.error.HTTPError):
                _get(f"{simulator.base_url}/v1/Users")

        assert quiet == 0
        assert simulator.faults == faults


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)), running(World(SHAPE), port=port):
            pass


async def test_a_connection_is_kept_and_request_ids_are_fresh(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        line = await dial(simulator)

        first, second = await line.ask("GET", "/v1/Users"), await line.ask("GET", "/v1/Users")

        assert first.raw == second.raw
        assert first.headers["twilio-request-id"] != second.headers["twilio-request-id"]
        assert simulator.counters().connections == 1


async def test_pipelined_requests_are_answered_in_order(dial) -> None:
    async with serving(World(SHAPE), faults=Faults(latency_ms=5)) as simulator:
        line = await dial(simulator)
        for size in (3, 1, 2):
            line.send("GET", f"/v1/Users?PageSize={size}")

        sizes = [(await line.receive()).body["meta"]["page_size"] for _ in range(3)]

        assert sizes == [3, 1, 2]


async def test_a_request_may_come_byte_by_byte_and_in_chunks(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        user = next(simulator.world.default_service.users())
        line = await dial(simulator)
        request = (
            f"POST /v1/Users/{user.sid} HTTP/1.1\r\nAuthorization: {AUTHORIZATION.decode()}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
            "9\r\nFriendlyN\r\n6\r\name=Bo\r\n0\r\n\r\n"
        ).encode()
        for byte in request:
            line.writer.write(bytes([byte]))
            await line.writer.drain()

        assert (await line.receive()).body["friendly_name"] == "Bo"


async def test_a_client_that_expects_100_gets_it(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        line = await dial(simulator)
        line.send("GET", "/v1/Users", b"", b"Expect: 100-continue")

        assert (await line.receive()).status == 100
        assert (await line.receive()).status == 200


async def test_a_client_that_wants_to_close_is_closed(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        line = await dial(simulator)
        line.send("GET", "/v1/Users", b"", b"Connection: close")

        assert (await line.receive()).status == 200
        assert await line.reader.read() == b""


async def test_what_is_not_http_is_400(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        line = await dial(simulator)
        line.writer.write(b"hello\r\n\r\n")

        assert (await line.receive()).status == 400
        assert await line.reader.read() == b""


async def test_a_json_body_is_no_form(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        user = next(simulator.world.default_service.users())
        line = await dial(simulator)
        body = b'{"FriendlyName": "Bo"}'
        line.writer.write(
            b"POST /v1/Users HTTP/1.1\r\nAuthorization: %b\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (AUTHORIZATION, len(body), body)
        )

        assert (await line.receive()).status == 400
        assert simulator.world.default_service.user(user.number) == user


async def test_the_date_can_be_wrong(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        line = await dial(simulator)
        right = parsedate_to_datetime((await line.ask("GET", "/v1/Users")).headers["date"])
        simulator.faults = Faults(clock_skew_seconds=3600)
        wrong = parsedate_to_datetime((await line.ask("GET", "/v1/Users")).headers["date"])

        assert 3590 <= (wrong - right).total_seconds() <= 3610


async def test_pages_are_rendered_once_until_something_changes(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        service = simulator.world.default_service
        user = next(user for user in service.users() if len(service.conversations_of(user.number)) > 2)
        line = await dial(simulator)
        path = f"/v1/Users/{user.sid}/Conversations"
        row = (await line.ask("GET", path)).body["conversations"][0]
        await line.ask("POST", f"{path}/{row['conversation_sid']}", b"NotificationLevel=muted&LastReadMessageIndex=0")

        after = (await line.ask("GET", path)).body["conversations"][0]

        assert (after["notification_level"], after["last_read_message_index"]) == ("muted", 0)


async def test_pages_rendered_before_anybody_asked_are_the_same(dial, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = WorldShape(users=60, services=2, heaviest=120)
    async with serving(World(shape)) as simulator:
        line = await dial(simulator)
        ready = Simulator(World(shape))
        ready.set_base_url(simulator.base_url)
        sent = []

        class Wire:
            def send(self, payload: bytes) -> None:
                sent.append(payload.partition(b"\r\n\r\n")[2])

        rendered = ready.prerender()
        monkeypatch.setattr(ready.api, "handle", None)
        for service, user in ready.world.users():
            target = f"/v1/Services/{service.sid}/Users/{user.sid}/Conversations?PageSize=50"
            while target:
                ready.receive(Request("GET", target, AUTHORIZATION), Wire())
                answer = await line.ask("GET", target)
                assert sent[-1] == answer.raw
                target = (answer.body["meta"]["next_page_url"] or "").removeprefix(simulator.base_url)
        assert rendered == len(sent) > 60


async def test_a_cached_page_is_not_for_everybody(dial) -> None:
    async with serving(World(SHAPE)) as simulator:
        line = await dial(simulator)
        assert (await line.ask("GET", "/v1/Users")).status == 200
        line.writer.write(b"GET /v1/Users HTTP/1.1\r\nAuthorization: Basic none\r\n\r\n")

        assert (await line.receive()).status == 401


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
        line = await dial(simulator)
        line.send("GET", "/v1/Users")
        await line.writer.drain()
        while simulator.counters().faults["hang"] == 0:
            await asyncio.sleep(0)

    assert await line.reader.read() == b""


def test_without_uvloop_the_standard_loop_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = server.new_event_loop()
    loop.close()

    assert isinstance(loop, asyncio.SelectorEventLoop)
