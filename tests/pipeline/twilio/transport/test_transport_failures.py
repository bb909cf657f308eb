"""How every transport must fail: each way has its own error, by whether the request may have had its effect."""

import asyncio
import gc
import gzip
import ssl
from collections.abc import Mapping
from contextlib import suppress

import pytest
import trustme
from msgspec.structs import replace

from readstate.errors import NotSent, Unanswered, UnusableAnswer
from readstate.twilio.http.request import Request
from readstate.twilio.transport.body_budget import FREE_BYTES, BodyBudget
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
            with pytest.raises(NotSent, match=r"(?i)certificate.verif|certificate.*verify"):
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
            (http().replace(b"Content-Length: 2", b"Content-Length: 200"), {"request_timeout_seconds": 0.2}),
            (b"HTTP/1.1 ", {"request_timeout_seconds": 0.2}),
        ],
        ids=["no head", "no gzip", "cut off", "silence"],
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


class TestBodiesTogether:
    async def drip(self, transport: Open, bodies: BodyBudget, *, requests: int) -> list[BaseException]:
        """Ask for large bodies that never end; return what became of the requests."""
        unfinished = http(body=MEGABYTE).replace(b"Content-Length: 1", b"Content-Length: 2")
        async with raw_server(lambda _: unfinished) as server:
            async with transport(server.base_url, bodies, request_timeout_seconds=0.5) as opened:
                sending = [opened.send(READ) for _ in range(requests)]
                ended = await asyncio.gather(*sending, return_exceptions=True)
        return [error for error in ended if isinstance(error, BaseException)]

    async def test_they_are_ended_where_all_together_are_too_large(self, transport: Open) -> None:
        bodies = BodyBudget(each=4 << 20, limit=4 << 20)

        errors = await self.drip(transport, bodies, requests=8)

        assert {type(error) for error in errors} == {Unanswered}
        assert sum("larger than 4 MB in all" in str(error) for error in errors) >= 4
        errors.clear()
        gc.collect()
        assert bodies.held == 0

    async def test_an_ordinary_answer_needs_no_share(self, transport: Open) -> None:
        bodies = BodyBudget(each=1 << 20, limit=1 << 20)
        bodies.take(1 << 20, READ)
        ordinary = b"x" * FREE_BYTES
        answers = [http(body=ordinary), chunked(ordinary)]
        async with raw_server(answers.__getitem__) as server, transport(server.base_url, bodies) as opened:
            assert [(await opened.send(READ)).body for _ in answers] == [ordinary] * 2

    async def test_a_large_answer_has_its_share_as_long_as_it_is_kept(self, transport: Open) -> None:
        bodies = BodyBudget(each=1 << 20)
        async with raw_server(lambda _: chunked(MEGABYTE)) as server, transport(server.base_url, bodies) as opened:
            kept = replace(await opened.send(READ), throttled=1)
            gc.collect()
            assert len(kept.body) - 2 * FREE_BYTES <= bodies.held <= len(kept.body)
            del kept
            gc.collect()
            assert bodies.held == 0
