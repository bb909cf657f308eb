"""What every transport must do: send each request exactly once, to one origin, and return any response.

How it must fail is in test_transport_failures.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

import pytest
from msgspec.structs import replace

from readstate.errors import BadInput, NotSent, Unanswered
from readstate.twilio.http import request as requests
from readstate.twilio.http.request import Request
from tests.helpers.event_loop import LOOPS, settle
from tests.helpers.raw_server import HANG_UP, LAST, LATER, http, raw_server
from tests.helpers.transports import CONVERSATION, CREDENTIALS, DELETE, READ, SECRET, UPDATE, USER, Open, exchange

BASIC = b64encode(f"{CREDENTIALS.username}:{SECRET}".encode()).decode()


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 302, 404, 429, 503])
    async def test_status_headers_and_body_come_back_whatever_the_status(self, transport: Open, status: int) -> None:
        whole = http(status, b'{"a": 1}', Twilio_Request_Id="RQ1", Retry_After="3")
        (answer,) = (await exchange(transport, READ, respond=whole)).answers

        assert (answer.status, answer.body, answer.request_id) == (status, b'{"a": 1}', "RQ1")
        assert answer.headers.get("retry-after") == "3"

    @pytest.mark.parametrize("status", [204, 304])
    async def test_an_answer_without_a_body_is_whole_after_its_head(self, transport: Open, status: int) -> None:
        bare = b"HTTP/1.1 %d X\r\nTwilio-Request-Id: RQ1\r\n\r\n" % status
        done = await exchange(transport, READ, READ, respond=bare)

        assert [(answer.status, answer.body) for answer in done.answers] == [(status, b"")] * 2
        assert done.server.connections == 1

    async def test_an_update_travels_as_a_form(self, transport: Open) -> None:
        head, body = (await exchange(transport, UPDATE)).server.requests[0].split("\r\n\r\n")

        assert head.startswith(f"POST /v1/Users/{USER}/Conversations/{CONVERSATION} HTTP/1.1")
        assert "content-type: application/x-www-form-urlencoded" in head.lower()
        assert body == "LastReadMessageIndex=7"

    @pytest.mark.parametrize("identity", ["a/b", "a#b", "a?b=1", "100%", "%2e%2e", "a+b c|d", "..;", "ä日本🙂", "a\\b"])
    async def test_an_identity_stands_on_the_wire_as_one_encoded_segment(self, transport: Open, identity: str) -> None:
        request = requests.fetch_user(None, identity)

        assert (await exchange(transport, request)).server.lines == [f"GET {request.path} HTTP/1.1"]

    async def test_credentials_travel_as_basic_authentication(self, transport: Open) -> None:
        (sent,) = (await exchange(transport, READ)).server.requests

        assert f"authorization: basic {BASIC}".lower() in sent.lower()


class TestSafety:
    @pytest.mark.parametrize("request_", [DELETE, UPDATE], ids=["DELETE", "POST"])
    async def test_a_write_is_not_sent_again_where_a_kept_alive_connection_dies_after_it(
        self, transport: Open, request_: Request
    ) -> None:
        done = await exchange(transport, READ, request_, respond=lambda number: HANG_UP if number == 1 else http())

        assert list(map(type, done.errors)) == [Unanswered]
        assert len(done.server.requests) == 2

    async def test_an_earlier_answer_is_not_given_again_where_its_connection_dies(self, transport: Open) -> None:
        gone = b"HTTP/1.1 204 No Content\r\n\r\n"
        done = await exchange(transport, DELETE, DELETE, respond=lambda number: HANG_UP if number else gone)

        assert [answer.status for answer in done.answers] == [204]
        assert list(map(type, done.errors)) == [Unanswered]

    @pytest.mark.parametrize("request_", [DELETE, UPDATE, READ], ids=["DELETE", "POST", "GET"])
    async def test_no_request_is_sent_again_where_a_new_connection_dies_after_it(
        self, transport: Open, request_: Request
    ) -> None:
        done = await exchange(transport, request_, respond=lambda number: HANG_UP if number == 0 else http())

        assert list(map(type, done.errors)) == [Unanswered]
        assert len(done.server.requests) == 1

    async def test_a_redirect_is_an_answer_and_is_not_followed(self, transport: Open) -> None:
        async with raw_server(lambda _: http()) as elsewhere:
            away = http(302, Location=elsewhere.base_url + "/v1/Configuration")
            done = await exchange(transport, READ, respond=away)

        assert [answer.status for answer in done.answers] == [302]
        assert (len(done.server.requests), elsewhere.requests) == (1, [])

    @pytest.mark.parametrize(
        "path",
        [
            f"/v1/Users/{USER}",
            f"/v1/Users/{USER}/Conversations/..",
            f"/v1/Users/{USER}/Conversations/../../{USER}",
            f"/v1/Users/{USER}/Conversations/%2e%2e",
            f"/v1/Users/{USER}/Conversations/{CONVERSATION}/",
            f"/v1/Users/{USER}/Conversations/{CONVERSATION}/Messages",
            f"/v1/Users/{USER}/Conversations/{CONVERSATION}?Sid=US1",
            f"/v1/Conversations/{CONVERSATION}",
            f"/v1/Services/IS1/Users/{USER}/Conversations/{CONVERSATION}",
        ],
    )
    @pytest.mark.parametrize("method", ["DELETE", "POST"])
    async def test_a_write_to_anything_but_one_users_conversation_never_leaves(
        self, transport: Open, method: str, path: str
    ) -> None:
        done = await exchange(transport, replace(DELETE, method=method, path=path))

        assert list(map(type, done.errors)) == [BadInput]
        assert "refusing" in str(done.errors[0])
        assert done.server.requests == []

    async def test_no_cookie_comes_back(self, transport: Open) -> None:
        done = await exchange(transport, READ, READ, respond=http(Set_Cookie="a=1"))

        assert "cookie" not in done.server.requests[1].lower()

    async def test_neither_the_transport_nor_its_errors_show_the_secret(self, transport: Open) -> None:
        errors: list[Exception] = list((await exchange(transport, READ, respond=HANG_UP)).errors)
        async with transport("http://127.0.0.1:1") as opened:
            with pytest.raises(NotSent) as unsent:
                await opened.send(READ)
        shown = [repr(opened), repr(CREDENTIALS), str(CREDENTIALS)]
        shown += [text for error in (*errors, unsent.value) for text in (repr(error), str(error))]

        assert len(shown) == 7
        assert not [text for text in shown if SECRET in text or BASIC in text]


class TestConnections:
    async def test_requests_one_after_the_other_share_a_connection(self, transport: Open) -> None:
        done = await exchange(transport, *[READ] * 5)

        assert (len(done.server.requests), done.server.connections) == (5, 1)

    async def test_requests_at_once_have_a_connection_each(self, transport: Open) -> None:
        async with raw_server(lambda _: http()) as server, transport(server.base_url) as opened:
            await asyncio.gather(*(opened.send(READ) for _ in range(20)))

        assert server.connections == 20

    @pytest.mark.parametrize("farewell", [LAST, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n" + LAST])
    async def test_one_that_the_server_closed_meanwhile_is_not_used_again(
        self, transport: Open, farewell: bytes
    ) -> None:
        done = await exchange(transport, *[DELETE] * 5, respond=http() + farewell, pause=settle)

        assert [answer.status for answer in done.answers] == [200] * 5
        assert (len(done.server.requests), done.server.connections) == (5, 5)

    @pytest.mark.parametrize(
        "stray",
        [
            http(404),
            b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nab",
            b"HTTP/1.1 ",
            b"\0",
        ],
        ids=["whole answer", "head alone", "head and half a body", "half a head", "one byte"],
    )
    async def test_what_came_unasked_is_taken_for_no_answer(self, transport: Open, stray: bytes) -> None:
        async def pause() -> None:
            await settle()
            await settle()

        numbered = [http(body=b"[%d]" % number) + LATER + stray for number in range(4)]
        done = await exchange(transport, READ, DELETE, READ, DELETE, respond=numbered.__getitem__, pause=pause)

        assert [answer.body for answer in done.answers] == [b"[0]", b"[1]", b"[2]", b"[3]"]

    @pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
    def test_one_on_which_something_came_is_not_used_again_even_by_a_busy_loop(
        self, transport: Open, loop: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def stray_and_send() -> tuple[int, int]:
            async with raw_server(lambda _: http()) as server, transport(server.base_url) as opened:
                await opened.send(READ)
                server.writers[0].write(http(404))  # in the socket, and not yet read by the loop
                return (await opened.send(DELETE)).status, server.connections

        with asyncio.Runner(loop_factory=loop) as runner:
            assert runner.run(stray_and_send()) == (200, 2)

    async def test_each_of_those_opened_at_once_is_looked_at_before_it_is_used_again(self, transport: Open) -> None:
        async with raw_server(lambda _: http()) as server, transport(server.base_url) as opened:
            await asyncio.gather(*(opened.send(READ) for _ in range(5)))
            for writer in server.writers:
                writer.write(http(404))
            answers = await asyncio.gather(*(opened.send(DELETE) for _ in range(5)))

        assert ([answer.status for answer in answers], server.connections) == ([200] * 5, 10)

    async def test_one_whose_request_was_cancelled_is_not_used_again(self, transport: Open) -> None:
        answers = [http(), b"HTTP/1.1 ", http(body=b"[]")]
        async with raw_server(answers.__getitem__) as server, transport(server.base_url) as opened:
            await opened.send(READ)
            task = asyncio.create_task(opened.send(READ))
            while len(server.requests) < 2:
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            answer = await opened.send(READ)

        assert (answer.body, server.connections) == (b"[]", 2)
