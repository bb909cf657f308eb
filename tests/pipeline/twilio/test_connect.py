"""The layers together, by the requests that a server counts: none multiplies what another one repeats."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from readstate.errors import ApiError, BadInput, Unanswered
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio import connect
from readstate.twilio.client import Reader
from readstate.twilio.connect import connection
from readstate.twilio.http.request import delete_user_conversation
from tests.helpers.fake_clock import FakeClock
from tests.helpers.raw_server import HANG_UP, RawServer, http, raw_server

SERVICE, USER, CONVERSATION = "IS" + "0" * 32, "US" + "a" * 32, "CH" + "b" * 32
CREDENTIALS = Credentials(None, "SK" + "1" * 32, "secret")
TOO_MANY = http(429, b'{"code": 20429}')
EMPTY_PAGE = http(body=b'{"conversations": [], "meta": {"next_page_url": null}}')


def page_sizes(server: RawServer) -> list[str]:
    return [line.partition("PageSize=")[2].split(" ")[0] for line in server.lines if "PageSize" in line]


async def read_list(reader: Reader) -> None:
    moving = reader.user_conversations(SERVICE, USER)
    while await reader.next_page(moving) is not None:
        pass


async def list_conversations_beside_others(broken: bytes) -> tuple[RawServer, Exception | None]:
    """Read a list whose pages all fail, while other requests succeed: alone it would be an outage."""

    async def read_others(reader: Reader) -> None:
        while True:
            await reader.user(SERVICE, USER)

    def respond(number: int) -> bytes:
        return broken if "PageSize" in server.requests[number] else http(body=b'{"sid": "%b"}' % USER.encode())

    async with raw_server(respond) as server:
        async with connection(Settings(base_url=server.base_url), CREDENTIALS, clock=FakeClock()) as twilio:
            others = asyncio.create_task(read_others(twilio.reader()))
            try:
                await read_list(twilio.reader())
            except (ApiError, Unanswered) as error:
                return server, error
            finally:
                others.cancel()
    return server, None


async def list_conversations(
    respond: Callable[[int], bytes], *, write: bool = False, **changed: int
) -> tuple[RawServer, FakeClock, Exception | None]:
    """Read the list of one user, or delete one membership; return what the server saw and how it ended."""
    clock = FakeClock()
    async with raw_server(respond) as server:
        settings = Settings(base_url=server.base_url, **changed)  # type: ignore[arg-type]
        async with connection(settings, CREDENTIALS, clock=clock) as twilio:
            try:
                if write:
                    await twilio.writer().send(delete_user_conversation(SERVICE, USER, CONVERSATION))
                else:
                    await read_list(twilio.reader())
            except (ApiError, Unanswered) as error:
                return server, clock, error
    return server, clock, None


@pytest.mark.parametrize("broken", [http(503), http(500, b"<html>"), HANG_UP], ids=["503", "500", "hang up"])
async def test_a_page_that_always_fails_costs_six_requests_its_smaller_sizes_included(broken: bytes) -> None:
    server, error = await list_conversations_beside_others(broken)

    assert page_sizes(server) == ["50", "50", "50", "12", "3", "1"]
    assert error is not None


async def test_the_setting_bounds_the_requests_of_a_page() -> None:
    server, _, error = await list_conversations(lambda _: http(502), max_attempts=2)

    assert page_sizes(server) == ["50", "12"]
    assert error is not None


async def test_a_page_that_only_fails_while_it_is_large_is_read() -> None:
    server, _, error = await list_conversations(lambda number: http(500) if number < 3 else EMPTY_PAGE)

    assert page_sizes(server) == ["50", "50", "50", "12"]
    assert error is None


@pytest.mark.parametrize("write", [False, True])
async def test_a_429_with_retry_after_costs_one_more_request_and_is_waited_out_once(write: bool) -> None:
    refused = http(429, b'{"code": 20429}', Retry_After="30")
    server, clock, error = await list_conversations(
        lambda number: refused if number == 0 else http(204, b"") if write else EMPTY_PAGE, write=write
    )

    assert error is None
    assert len(server.requests) == 2
    assert 30 <= sum(clock.slept) <= 32


async def test_429s_are_no_failures_and_spend_no_attempt() -> None:
    answers = [*[TOO_MANY] * 20, http(503), *[TOO_MANY] * 20, *[http(503)] * 4, EMPTY_PAGE]
    server, _, error = await list_conversations(answers.__getitem__)

    assert error is None
    assert len(server.requests) == len(answers)


async def test_a_write_that_failed_is_sent_once() -> None:
    server, _, _ = await list_conversations(lambda _: http(503), write=True)

    assert len(server.requests) == 1


class TestTransport:
    @pytest.mark.parametrize(
        ("setting", "is_installed", "name"),
        [("auto", True, "curl"), ("auto", False, "aiohttp"), ("aiohttp", True, "aiohttp"), ("curl", True, "curl")],
    )
    def test_auto_is_curl_where_it_is_installed(
        self, monkeypatch: pytest.MonkeyPatch, setting: Any, is_installed: bool, name: str
    ) -> None:
        monkeypatch.setattr(connect, "find_spec", lambda _: object() if is_installed else None)

        assert connect.transport_name(Settings(transport=setting)) == name

    def test_curl_that_is_not_installed_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connect, "find_spec", lambda _: None)

        with pytest.raises(BadInput, match=r"pycurl is not installed\npip install 'readstate\[fast\]'"):
            connect.transport_name(Settings(transport="curl"))

    def test_the_route_shows_the_proxy_without_its_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@proxy.example:3128")

        route = connect.describe_route(Settings(transport="aiohttp", base_url="https://conversations.twilio.com"))

        assert route == "aiohttp, through the proxy proxy.example:3128"
