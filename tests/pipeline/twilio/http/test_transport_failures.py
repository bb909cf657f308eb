"""How every transport must fail: each way has its own error, by whether the request may have had its effect."""

import asyncio
import gzip
import ssl
from contextlib import suppress

import pytest
import trustme

from readstate.errors import NotSent, Unanswered, UnusableAnswer
from readstate.twilio.http.request import Request
from tests.helpers.raw_server import chunked, http, raw_server
from tests.helpers.transports import DELETE, READ, UPDATE, Open


class TestFailures:
    @pytest.mark.parametrize("request_", [READ, UPDATE, DELETE], ids=["GET", "POST", "DELETE"])
    async def test_a_refused_connection_means_not_sent(self, transport: Open, request_: Request) -> None:
        async with transport("http://127.0.0.1:1") as opened:
            with pytest.raises(NotSent) as raised:
                await opened.send(request_)

        message = f"{request_.method} {request_.path}: cannot connect to http://127.0.0.1:1: Connection refused"
        assert raised.value.message == message, "the address is said once"

    async def test_an_unknown_host_means_not_sent(self, transport: Open) -> None:
        async with transport("https://conversations.invalid") as opened:
            with pytest.raises(NotSent):
                await opened.send(UPDATE)

    async def test_a_certificate_of_an_unknown_authority_means_not_sent(self, transport: Open) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        async with raw_server(lambda _: http(), tls=context) as server, transport(server.base_url) as opened:
            with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
                await opened.send(UPDATE)

        assert server.requests == []

    async def test_a_server_that_does_not_speak_tls_means_not_sent(self, transport: Open) -> None:
        async with (
            raw_server(lambda _: http()) as server,
            transport(server.base_url.replace("http:", "https:"), connect_timeout_seconds=0.1) as opened,
        ):
            with pytest.raises(NotSent):
                await opened.send(UPDATE)

    @pytest.mark.parametrize("garbage", [b"<html>\r\n\r\n", http(Content_Encoding="gzip")], ids=["head", "body"])
    async def test_what_cannot_be_read_means_unanswered(self, transport: Open, garbage: bytes) -> None:
        async with raw_server(lambda _: garbage) as server, transport(server.base_url) as opened:
            with pytest.raises(Unanswered):
                await opened.send(UPDATE)

    async def test_a_body_that_is_cut_off_means_unanswered(self, transport: Open) -> None:
        cut = http(body=b"{}").replace(b"Content-Length: 2", b"Content-Length: 200")
        async with raw_server(lambda _: cut) as server:
            async with transport(server.base_url, read_timeout_seconds=0.05) as opened:
                with pytest.raises(Unanswered):
                    await opened.send(READ)

    async def test_a_server_that_stalls_means_unanswered(self, transport: Open) -> None:
        for name in ("read_timeout_seconds", "request_timeout_seconds"):
            async with raw_server(lambda _: b"HTTP/1.1 ") as server:
                async with transport(server.base_url, **{name: 0.5}) as opened:
                    with pytest.raises(Unanswered):
                        await opened.send(UPDATE)

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

    async def test_cancelling_is_not_translated(self, transport: Open) -> None:
        async with raw_server(lambda _: b"HTTP/1.1 ") as server, transport(server.base_url) as opened:
            task = asyncio.create_task(opened.send(READ))
            while not server.requests:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


class TestBodies:
    @pytest.mark.parametrize("framing", ["announced", "chunked", "compressed"])
    async def test_a_body_larger_than_allowed_is_not_taken(self, transport: Open, framing: str) -> None:
        body = b"x" * (3 << 20)
        whole = {
            "announced": http(body=body),
            "chunked": chunked(body),
            "compressed": http(body=gzip.compress(body), Content_Encoding="gzip"),
        }[framing]
        async with raw_server(lambda _: whole) as server:
            async with transport(server.base_url, max_body_megabytes=1) as opened:
                with pytest.raises(UnusableAnswer, match="larger than 1 MB") as refused:
                    await opened.send(READ)

        assert "max_body_megabytes" in (refused.value.hint or "")

    async def test_a_compressed_body_within_the_bound_is_unpacked(self, transport: Open) -> None:
        body = gzip.compress(b'{"a": 1}')
        async with raw_server(lambda _: http(body=body, Content_Encoding="gzip")) as server:
            async with transport(server.base_url) as opened:
                answer = await opened.send(READ)

        assert answer.body == b'{"a": 1}'

    async def test_a_body_as_large_as_allowed_is_taken(self, transport: Open) -> None:
        async with raw_server(lambda _: http(body=b"x" * (1 << 20))) as server:
            async with transport(server.base_url, max_body_megabytes=1) as opened:
                answer = await opened.send(READ)

        assert len(answer.body) == 1 << 20
