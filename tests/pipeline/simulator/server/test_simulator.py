"""Limits, latency and failures as a client meets them, and what they leave unchanged."""

import asyncio
import gzip
import json

import pytest
from msgspec.structs import replace

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.server import RunningSimulator


def _path(simulator: RunningSimulator) -> str:
    """The path of some active user conversation."""
    service = simulator.world.default_service
    for conversation in service.conversations():
        if conversation.state == "active" and conversation.messages.newest() is not None:
            participant = service.participants(conversation)[0]
            user = service.user(participant.user)
            assert user is not None
            return f"/v1/Users/{user.sid}/Conversations/{conversation.sid}"
    raise AssertionError("no active conversation")


MOVE = b"LastReadMessageIndex=0"


async def test_more_at_once_than_the_cap_are_refused(serve, dial) -> None:
    simulator, first = await serve(faults=Faults(concurrency_cap=3, latency_ms=30))
    lines = [first, *[await dial(simulator) for _ in range(4)]]

    responses = await asyncio.gather(*(connection.ask("GET", "/v1/Users?PageSize=1") for connection in lines))

    refused = [response for response in responses if response.status == 429]
    served = [response for response in responses if response.status == 200]
    assert len(refused) == 2
    assert {response.body["code"] for response in refused} == {20429}
    assert all("retry-after" not in response.headers for response in refused)
    assert max(int(response.headers["twilio-concurrent-requests"]) for response in served) == 3
    assert simulator.counters().most_in_flight == 3
    assert (await lines[0].ask("GET", "/v1/Users")).status == 200


async def test_more_a_second_than_the_cap_are_refused_and_told_when_to_come_back(serve) -> None:
    faults = Faults(requests_per_second_cap=0.001, requests_burst=2, retry_after_seconds=7, rate_code=20429)
    _, connection = await serve(faults=faults)
    responses = [await connection.ask("GET", "/v1/Users") for _ in range(4)]

    assert [response.status for response in responses] == [200, 200, 429, 429]
    assert responses[2].headers["retry-after"] == "7"


async def test_a_limit_on_changes_says_when_to_come_back_too(serve) -> None:
    limited = Behaviour(actions_per_second=1)
    simulator, connection = await serve(faults=Faults(retry_after_seconds=1), behaviour=limited)
    path = _path(simulator)

    responses = [await connection.ask("POST", path, MOVE) for _ in range(2)]

    assert [response.status for response in responses] == [200, 429]
    assert responses[1].body["code"] == 50063
    assert responses[1].headers["retry-after"] == "1"
    assert simulator.counters().refusals == {50063: 1}
    assert len(simulator.effects()) == 1


async def test_latency_and_distance_take_time_but_distance_holds_no_slot(serve) -> None:
    faults = Faults(latency_ms=2, latency_factor=20, rtt_ms=60, concurrency_cap=1)
    _, connection = await serve(faults=faults)
    loop = asyncio.get_running_loop()
    began = loop.time()

    response = await connection.ask("GET", "/v1/Users")

    assert loop.time() - began >= 0.09
    assert response.headers["twilio-request-duration"] == "0.040"


async def test_an_outage_answers_503_and_ends(serve) -> None:
    simulator, connection = await serve(faults=Faults(outage="503", html_share=0))
    during = await connection.ask("POST", _path(simulator), MOVE)
    simulator.faults = Faults()
    after = await connection.ask("GET", "/v1/Users")

    assert (during.status, during.body["code"]) == (503, 20503)
    assert after.status == 200
    assert simulator.effects() == []


@pytest.mark.parametrize("html_share", [0, 1])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_errors_come_as_json_or_as_html_and_without_effect(serve, status: int, html_share: float) -> None:
    faults = Faults(error_share=1, error_statuses=(status,), html_share=html_share)
    simulator, connection = await serve(faults=faults)
    response = await connection.ask("POST", _path(simulator), MOVE)

    assert response.status == status
    assert response.raw.startswith(b"<html>") == bool(html_share)
    assert ("twilio-request-id" in response.headers) != bool(html_share)
    assert simulator.effects() == []
    assert simulator.counters().with_status(status) == 1


async def test_an_error_may_come_after_the_effect(serve) -> None:
    simulator, connection = await serve(faults=Faults(error_after_effect_share=1))
    response = await connection.ask("POST", _path(simulator), MOVE)

    assert response.status >= 500
    assert [effect.kind for effect in simulator.effects()] == ["participant.updated"]


@pytest.mark.parametrize(("fault", "effects"), [("reset_before_share", 0), ("reset_after_share", 1)])
async def test_a_reset_comes_before_or_after_the_effect(serve, fault: str, effects: int) -> None:
    simulator, connection = await serve(faults=replace(Faults(), **{fault: 1}))
    connection.send("DELETE", _path(simulator))

    with pytest.raises(ConnectionResetError):
        await connection.reader.read()
    assert len(simulator.effects()) == effects


async def test_a_body_may_end_in_the_middle(serve) -> None:
    _, connection = await serve(faults=Faults(truncate_share=1))
    connection.send("GET", "/v1/Users")

    whole = await connection.reader.read()

    head, _, body = whole.partition(b"\r\n\r\n")
    assert b"200 OK" in head
    assert f"Content-Length: {2 * len(body)}".encode()[:-1] in head
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(body)


async def test_a_body_may_drip(serve) -> None:
    _, connection = await serve(faults=Faults(drip_share=1, drip_seconds=0.1))
    began = asyncio.get_running_loop().time()

    response = await connection.ask("GET", "/v1/Users")

    assert asyncio.get_running_loop().time() - began >= 0.09
    assert len(response.body["users"]) == 50
    assert (await connection.ask("GET", "/v1/Users")).status == 200


async def test_a_stall_holds_the_slot(serve, dial) -> None:
    simulator, one = await serve(faults=Faults(stall_share=1, stall_seconds=0.05, concurrency_cap=1))
    other = await dial(simulator)

    first, second = await asyncio.gather(one.ask("GET", "/v1/Users"), other.ask("GET", "/v1/Users"))

    assert sorted([first.status, second.status]) == [200, 429]


async def test_a_body_may_be_larger_than_32_mb(serve) -> None:
    _, connection = await serve(faults=Faults(oversize_share=1))
    response = await connection.ask("GET", "/v1/Users?PageSize=1")

    assert len(response.raw) > 32 * 1024 * 1024
    assert len(response.body["users"]) == 1


async def test_accidents_come_as_often_as_asked_and_the_same_each_time(serve) -> None:
    async def statuses() -> list[int]:
        _, connection = await serve(faults=Faults(error_share=0.3, html_share=0))
        return [(await connection.ask("GET", "/v1/Services")).status for _ in range(200)]

    first, second = await statuses(), await statuses()

    assert first == second
    assert 35 <= sum(status >= 500 for status in first) <= 85


@pytest.mark.parametrize(
    ("fault", "method", "status", "beginning"),
    [
        ("unauthorized_share", "POST", 401, b'{"code": 20003'),
        ("conflict_share", "POST", 409, b'{"code": 50419'),
        ("conflict_share", "GET", 200, b'{"account_sid"'),
        ("html_success_share", "GET", 200, b"<html>"),
    ],
)
async def test_a_fault_replaces_the_response_and_has_no_effect(
    serve, fault: str, method: str, status: int, beginning: bytes
) -> None:
    simulator, connection = await serve(faults=replace(Faults(), **{fault: 1}))
    response = await connection.ask(method, _path(simulator), MOVE if method == "POST" else b"")

    assert response.status == status
    assert response.raw.startswith(beginning)
    assert simulator.effects() == []


async def test_headers_may_be_absent_and_bodies_compressed(serve) -> None:
    bare = Behaviour(request_id_header="absent", concurrent_requests_header="absent", compression="gzip")
    _, connection = await serve(behaviour=bare)

    plain = await connection.ask("GET", "/v1/Users")
    connection.send("GET", "/v1/Users", b"", b"Accept-Encoding: gzip, br")
    compressed = await connection.receive()

    assert {"twilio-request-id", "twilio-concurrent-requests", "content-encoding"}.isdisjoint(plain.headers)
    assert compressed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(compressed.raw) == plain.raw
