"""HTTP/1.1 as clients speak it."""

from email.utils import parsedate_to_datetime

from readstate.simulator.faults.faults import Faults
from tests.helpers.simulated_api import AUTHORIZATION


async def test_a_connection_is_kept_and_request_ids_are_fresh(serve) -> None:
    simulator, connection = await serve()
    first, second = await connection.ask("GET", "/v1/Users"), await connection.ask("GET", "/v1/Users")

    assert first.raw == second.raw
    assert first.headers["twilio-request-id"] != second.headers["twilio-request-id"]
    assert simulator.counters().connections == 1


async def test_pipelined_requests_are_answered_in_order(serve) -> None:
    _, connection = await serve(faults=Faults(latency_ms=5))
    for size in (3, 1, 2):
        connection.send("GET", f"/v1/Users?PageSize={size}")

    sizes = [(await connection.receive()).body["meta"]["page_size"] for _ in range(3)]

    assert sizes == [3, 1, 2]


async def test_a_request_may_come_byte_by_byte_and_in_chunks(serve) -> None:
    simulator, connection = await serve()
    user = next(simulator.world.default_service.users())
    request = (
        f"POST /v1/Users/{user.sid} HTTP/1.1\r\nAuthorization: {AUTHORIZATION.decode()}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
        "9\r\nFriendlyN\r\n6\r\name=Bo\r\n0\r\n\r\n"
    ).encode()
    for byte in request:
        connection.writer.write(bytes([byte]))
        await connection.writer.drain()

    assert (await connection.receive()).body["friendly_name"] == "Bo"


async def test_a_client_that_expects_100_gets_it(serve) -> None:
    _, connection = await serve()
    connection.send("GET", "/v1/Users", b"", b"Expect: 100-continue")

    assert (await connection.receive()).status == 100
    assert (await connection.receive()).status == 200


async def test_a_client_that_wants_to_close_is_closed(serve) -> None:
    _, connection = await serve()
    connection.send("GET", "/v1/Users", b"", b"Connection: close")

    assert (await connection.receive()).status == 200
    assert await connection.reader.read() == b""


async def test_what_is_not_http_is_400(serve) -> None:
    _, connection = await serve()
    connection.writer.write(b"hello\r\n\r\n")

    assert (await connection.receive()).status == 400
    assert await connection.reader.read() == b""


async def test_a_json_body_is_no_form(serve) -> None:
    simulator, connection = await serve()
    user = next(simulator.world.default_service.users())
    body = b'{"FriendlyName": "Bo"}'
    connection.writer.write(
        b"POST /v1/Users HTTP/1.1\r\nAuthorization: %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (AUTHORIZATION, len(body), body)
    )

    assert (await connection.receive()).status == 400
    assert simulator.world.default_service.user(user.number) == user


async def test_the_date_can_be_wrong(serve) -> None:
    simulator, connection = await serve()
    right = parsedate_to_datetime((await connection.ask("GET", "/v1/Users")).headers["date"])
    simulator.faults = Faults(clock_skew_seconds=3600)
    wrong = parsedate_to_datetime((await connection.ask("GET", "/v1/Users")).headers["date"])

    assert 3590 <= (wrong - right).total_seconds() <= 3610
