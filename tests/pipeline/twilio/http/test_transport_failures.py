"""How every transport must fail: each way has its own error, by whether the request may have had its effect."""

import asyncio
import gzip
import ssl
from collections.abc import Mapping
from contextlib import suppress

import pytest
import trustme

from readstate.errors import NotSent, Unanswered, UnusableAnswer
from readstate.twilio.http.request import Request
from tests.helpers.event_loop import settle
from tests.helpers.raw_server import LATER, chunked, http, raw_server
from tests.helpers.transports import DELETE, READ, UPDATE, Open, exchange

MEGABYTE = b"x" * (1 << 20)


class TestNotSent:
    @pytest.mark.parametrize("request_", [READ, UPDATE, DELETE], ids=["GET", "POST", "DELETE"])
    async def test_a_refused_connection(self, transport: Open, request_: Request) -> None:
        async with transport("http://127.0.0.1:1") as opened:
            with pytest.raises(NotSent) as raised:
                await opened.send(request_)

        message = f"{request_.method} {request_.path}: cannot connect to http://127.0.0.1:1: Connection refused"
        assert raised.value.message == message, "the address is said once"

    async def test_an_unknown_host(self, transport: Open) -> None:
        async with transport("https://conversations.invalid") as opened:
            with pytest.raises(NotSent):
                await opened.send(UPDATE)

    async def test_a_certificate_of_an_unknown_authority(self, transport: Open) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        async with raw_server(lambda _: http(), tls=context) as server, transport(server.base_url) as opened:
            with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
                await opened.send(UPDATE)

        assert server.requests == []

    async def test_a_server_that_does_not_speak_tls(self, transport: Open) -> None:
        async with (
            raw_server(lambda _: http()) as server,
            transport(server.base_url.replace("http:", "https:"), connect_timeout_seconds=0.1) as opened,
        ):
            with pytest.raises(NotSent):
                await opened.send(UPDATE)


class TestUnanswered:
    @pytest.mark.parametrize(
        ("response", "settings"),
        [
            (b"<html>\r\n\r\n", {}),
            (http(Content_Encoding="gzip"), {}),
            (http().replace(b"Content-Length: 2", b"Content-Length: 200"), {"read_timeout_seconds": 0.05}),
            (b"HTTP/1.1 ", {"read_timeout_seconds": 0.05}),
            (b"HTTP/1.1 ", {"request_timeout_seconds": 0.05}),
        ],
        ids=["no head", "no gzip", "cut off", "silence", "too slow"],
    )
    async def test_what_is_no_whole_answer(
        self, transport: Open, response: bytes, settings: Mapping[str, float]
    ) -> None:
        done = await exchange(transport, UPDATE, respond=response, **settings)

        assert list(map(type, done.errors)) == [Unanswered]
        assert len(done.server.requests) == 1

    async def test_a_trickle_ends_with_the_time_of_the_whole_request(self, transport: Open) -> None:
        async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(b"HTTP/1.1 103 X\r\n\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.01)

        async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with transport(f"http://127.0.0.1:{port}", request_timeout_seconds=0.1) as opened:
                with pytest.raises(Unanswered):
                    await opened.send(READ)

    async def test_a_head_alone_that_nobody_asked_for_does_not_hang_the_next_request(self, transport: Open) -> None:
        stray_head, its_body = b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n", b"stray"
        late = [http() + LATER + stray_head, its_body + http(204)]
        done = await exchange(
            transport, READ, READ, respond=lambda number: late[number], pause=settle, request_timeout_seconds=0.2
        )

        assert not any(answer.body == its_body for answer in done.answers)
        assert len(done.answers) + len(done.errors) == 2

    async def test_cancelling_is_not_translated(self, transport: Open) -> None:
        async with raw_server(lambda _: b"HTTP/1.1 ") as server, transport(server.base_url) as opened:
            task = asyncio.create_task(opened.send(READ))
            while not server.requests:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


class TestBodies:
    @pytest.mark.parametrize(
        "response",
        [
            http(body=MEGABYTE + b"x"),
            chunked(MEGABYTE, b"x"),
            http(body=gzip.compress(MEGABYTE + b"x"), Content_Encoding="gzip"),
        ],
        ids=["announced", "chunked", "compressed"],
    )
    async def test_a_body_larger_than_allowed_is_not_taken(self, transport: Open, response: bytes) -> None:
        (refused,) = (await exchange(transport, READ, respond=response, max_body_megabytes=1)).errors

        assert isinstance(refused, UnusableAnswer)
        assert "larger than 1 MB" in str(refused)
        assert "max_body_megabytes" in str(refused)

    @pytest.mark.parametrize(
        "response",
        [http(body=MEGABYTE), chunked(MEGABYTE), http(body=gzip.compress(MEGABYTE), Content_Encoding="gzip")],
        ids=["announced", "chunked", "compressed"],
    )
    async def test_a_body_as_large_as_allowed_is_taken_and_unpacked(self, transport: Open, response: bytes) -> None:
        (answer,) = (await exchange(transport, READ, respond=response, max_body_megabytes=1)).answers

        assert answer.body == MEGABYTE
