"""Connections are kept, shared by nobody, checked as TLS asks, and left the moment that they can be trusted no more."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from readstate.errors import BadInput, NotSent, Unanswered, UnusableAnswer
from readstate.settings import Credentials, Settings
from readstate.twilio.http import lean_transport
from readstate.twilio.http import request as requests
from readstate.twilio.http.lean_transport import LeanTransport, connected_lean
from readstate.twilio.http.response import Response
from tests.helpers.raw_server import HANG_UP, LAST, http, raw_server

CREDENTIALS = Credentials(None, "SK" + "1" * 32, "secret")
READ = requests.fetch_configuration()
DELETE = requests.delete_user_conversation(None, "US" + "a" * 32, "CH" + "b" * 32)

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy. fixture")  # its successor is too new


@pytest.fixture(params=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()


@asynccontextmanager
async def lean(base_url: str, **changed: float) -> AsyncIterator[LeanTransport]:
    async with connected_lean(Settings(base_url=base_url, **changed), CREDENTIALS) as opened:
        yield opened


async def all_that_can_happen(*, turns: int = 50) -> None:
    """Let everything happen that can happen without time passing."""
    for _ in range(turns):
        await asyncio.sleep(0)


class TestKeptConnections:
    async def test_requests_one_after_the_other_share_a_connection(self) -> None:
        async with raw_server(lambda _: http()) as server, lean(server.base_url) as opened:
            for _ in range(5):
                await opened.send(READ)

        assert (len(server.requests), server.connections) == (5, 1)

    async def test_requests_at_once_have_a_connection_each(self) -> None:
        async with raw_server(lambda _: http()) as server, lean(server.base_url) as opened:
            await asyncio.gather(*(opened.send(READ) for _ in range(20)))

        assert server.connections == 20

    @pytest.mark.parametrize("farewell", [LAST, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n" + LAST])
    async def test_one_that_the_server_closed_meanwhile_is_not_used_again(self, farewell: bytes) -> None:
        async with raw_server(lambda _: http() + farewell) as server, lean(server.base_url) as opened:
            for _ in range(5):
                await opened.send(DELETE)
                await all_that_can_happen()

        assert (len(server.requests), server.connections) == (5, 5)

    async def test_one_on_which_the_server_spoke_unasked_is_not_used_again(self) -> None:
        timeout = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
        spoken = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(http())
            await spoken.wait()
            writer.write(timeout)
            await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            async with lean(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as opened:
                answers = [await opened.send(READ)]
                spoken.set()
                await all_that_can_happen()
                answers.append(await opened.send(READ))

        assert [answer.status for answer in answers] == [200, 200]

    async def test_one_that_is_reset_while_it_waits_leaves_its_request_unanswered(self) -> None:
        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

        async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
            async with lean(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as opened:
                with pytest.raises(Unanswered, match="reset"):
                    await opened.send(DELETE)

    async def test_one_that_was_idle_for_long_is_not_used_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lean_transport, "_LONGEST_IDLE_SECONDS", -1.0)
        async with raw_server(lambda _: http()) as server, lean(server.base_url) as opened:
            for _ in range(3):
                await opened.send(READ)

        assert server.connections == 3

    async def test_one_whose_request_was_cancelled_is_not_used_again(self) -> None:
        answers = [http(), b"HTTP/1.1 ", http(body=b"[]")]
        async with raw_server(answers.__getitem__) as server, lean(server.base_url) as opened:
            await opened.send(READ)
            task = asyncio.create_task(opened.send(READ))
            while len(server.requests) < 2:
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            answer = await opened.send(READ)

        assert (answer.body, server.connections) == (b"[]", 2)

    async def test_none_is_left_when_the_block_ends(self) -> None:
        async with raw_server(lambda _: b"HTTP/1.1 ") as server:
            async with lean(server.base_url) as opened:
                tasks = [asyncio.create_task(opened.send(READ)) for _ in range(3)]
                while len(server.requests) < 3:
                    await asyncio.sleep(0)

            ends = await asyncio.gather(*tasks, return_exceptions=True)

        assert [type(end) for end in ends] == [Unanswered] * 3


class TestTime:
    async def test_each_request_of_a_kept_connection_has_the_whole_time(self) -> None:
        async with raw_server(lambda number: http() if number < 3 else b"HTTP/1.1 ") as server:
            async with lean(server.base_url, read_timeout_seconds=0.5) as opened:
                for _ in range(3):
                    await opened.send(READ)
                await asyncio.sleep(0.3)
                began = asyncio.get_running_loop().time()
                with pytest.raises(Unanswered, match="in time"):
                    await opened.send(READ)
                seconds = asyncio.get_running_loop().time() - began

        assert seconds >= 0.49

    async def test_a_connection_that_rests_longer_than_an_answer_may_take_is_still_good(self) -> None:
        async with raw_server(lambda _: http()) as server, lean(server.base_url, read_timeout_seconds=0.5) as opened:
            await opened.send(READ)
            await asyncio.sleep(0.6)
            await opened.send(READ)

        assert server.connections == 1

    async def test_a_trickle_ends_with_the_time_of_the_whole_request(self) -> None:
        async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(b"H" if reader.at_eof() else b"HTTP/1.1 103 X\r\n\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.01)

        async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            times = {"read_timeout_seconds": 5.0, "request_timeout_seconds": 0.1}
            async with lean(f"http://127.0.0.1:{port}", **times) as opened:
                with pytest.raises(Unanswered, match="in time"):
                    await opened.send(READ)


class TestRequestLines:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/v1/Users/a b"),
            ("GET", "/v1/Users/a HTTP/1.1\r\nX-Injected: 1"),
            ("GET", "/v1/Users/ä"),
            ("GET", "/v1/Users/\x00"),
            ("GET", "v1/Users"),
            ("GET", "http://elsewhere.example/v1"),
            ("GET\r\nX: 1", "/v1"),
            ("PUT", "/v1"),
            ("GET", "/v1\n"),
        ],
    )
    async def test_what_could_be_read_in_two_ways_never_leaves(self, method: str, path: str) -> None:
        async with raw_server(lambda _: http()) as server, lean(server.base_url) as opened:
            with pytest.raises(BadInput, match="refusing"):
                await opened.send(replace(READ, method=method, path=path))

        assert server.requests == []


class TestGarbage:
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(content=st.binary(max_size=300) | st.builds(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest, st.binary()))
    async def test_whatever_a_server_says_before_it_hangs_up_is_an_answer_or_a_transport_error(
        self, content: bytes
    ) -> None:
        async with raw_server(lambda _: content + LAST) as server, lean(server.base_url) as opened:
            end = (await asyncio.gather(opened.send(DELETE), return_exceptions=True))[0]

        assert isinstance(end, Unanswered | UnusableAnswer) or (isinstance(end, Response) and end.status >= 200)
        assert len(server.requests) == 1


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
        """An authority that this process trusts."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        return authority

    @staticmethod
    def server_side(authority: trustme.CA, *names: str) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*names).configure_cert(context)
        return context

    async def test_answers_come_over_tls_on_a_kept_connection(self, authority: trustme.CA) -> None:
        context = self.server_side(authority, "127.0.0.1")
        async with raw_server(lambda _: http(body=b"x" * 300_000), tls=context) as server:
            async with lean(server.base_url) as opened:
                answers = [await opened.send(READ), await opened.send(DELETE)]

        assert [len(answer.body) for answer in answers] == [300_000] * 2
        assert server.connections == 1

    async def test_a_server_that_hangs_up_over_tls_leaves_the_request_unanswered(self, authority: trustme.CA) -> None:
        context = self.server_side(authority, "127.0.0.1")
        async with raw_server(lambda _: HANG_UP, tls=context) as server, lean(server.base_url) as opened:
            with pytest.raises(Unanswered):
                await opened.send(DELETE)

        assert len(server.requests) == 1

    async def test_a_certificate_for_another_name_means_not_sent(self, authority: trustme.CA) -> None:
        context = self.server_side(authority, "conversations.twilio.com")
        async with raw_server(lambda _: http(), tls=context) as server, lean(server.base_url) as opened:
            with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
                await opened.send(DELETE)

        assert server.requests == []

    @pytest.mark.usefixtures("authority")
    async def test_a_certificate_of_an_unknown_authority_means_not_sent(self) -> None:
        context = self.server_side(trustme.CA(), "127.0.0.1")
        async with raw_server(lambda _: http(), tls=context) as server, lean(server.base_url) as opened:
            with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
                await opened.send(READ)

        assert server.requests == []
