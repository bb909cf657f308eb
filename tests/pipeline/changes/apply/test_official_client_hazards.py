"""What hurts in Twilio's official Python client, and does not happen here: one test for each hazard that is known.

Each was seen by running that client (9.10 and 9.11) against a local server. Here our whole stack meets one.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest

from readstate.changes.apply.send import request_for, send
from readstate.changes.current_state.decode import parse_timestamp
from readstate.changes.rules.answers import Answered, Lost
from readstate.clock import SystemClock
from readstate.credentials import Credentials
from readstate.errors import ApiError, BadInput
from readstate.model.membership import Unknown
from readstate.model.plan import PlanRow
from readstate.settings import Settings
from readstate.twilio.client import Writer
from readstate.twilio.connect import connection
from readstate.twilio.http import request as requests
from tests.helpers.plans import plan_row
from tests.helpers.raw_server import RawServer, http, raw_server

SERVICE = "IS" + "2" * 32
ROW = plan_row(1, set_index=None, set_level="muted")
SHOWN = b'{"user_sid": "%b", "conversation_sid": "%b", "notification_level": "muted"}' % (
    (ROW.user_sid or "").encode(), (ROW.conversation_sid or "").encode(),
)  # fmt: skip


@asynccontextmanager
async def talking(*answers: bytes, **settings: Any) -> AsyncIterator[tuple[Writer, RawServer]]:
    """A client with everything that a command gives it, and a server that gives *answers*, the last one for ever."""
    async with raw_server(lambda number: answers[min(number, len(answers) - 1)]) as server:
        effective = Settings(base_url=server.base_url, **settings)
        credentials = Credentials(None, "SK" + "1" * 32, "secret")
        async with connection(effective, credentials, clock=SystemClock()) as twilio:
            yield twilio.writer(), server


def write(row: PlanRow = ROW) -> requests.Request:
    return request_for(SERVICE, row, leave_by=float("inf"))


def test_an_identity_is_one_segment_of_the_path_whatever_it_holds() -> None:
    for identity, encoded in (("a/b", "a%2Fb"), ("a?b=1", "a%3Fb%3D1"), ("a#b", "a%23b"), ("%2e%2e", "%252e%252e")):
        assert requests.fetch_user(SERVICE, identity).target == f"/v1/Services/{SERVICE}/Users/{encoded}"
    for alias in ("..", ".", ""):
        with pytest.raises(BadInput):
            requests.fetch_user(SERVICE, alias)


@pytest.mark.parametrize("alias", ["a#b", "..", "alice", f"US{1:032x}/..", ""])
def test_nothing_but_a_sid_gets_into_the_path_of_a_write(alias: str) -> None:
    for row in (plan_row(1, user_sid=alias), plan_row(1, conversation_sid=alias)):
        with pytest.raises(BadInput):
            request_for(SERVICE, row, leave_by=0.0)


async def test_no_page_is_asked_for_that_is_larger_than_twilio_allows() -> None:
    async with talking(http(body=b'{"users": [], "meta": {"next_page_url": null}}')) as (client, server):
        assert [page.users async for page in client.users(None)] == [[]]

    assert "PageSize=50" in server.lines[0]


def test_a_change_without_a_field_is_never_sent() -> None:
    with pytest.raises(BadInput, match="nothing to set"):
        write(plan_row(1, set_index=None))


def test_a_time_keeps_its_moment_whatever_zone_it_was_written_in() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=5)))

    sent = write(plan_row(1, set_index=None, set_timestamp=noon))

    assert dict(sent.form) == {"LastReadTimestamp": "2026-11-23T07:00:00Z"}
    assert noon == datetime(2026, 11, 23, 7, tzinfo=UTC)


async def test_a_server_that_never_answers_does_not_hold_us_for_ever() -> None:
    async with talking(b"HTTP/1.1 200 OK\r\n", read_timeout_seconds=0.1, request_timeout_seconds=0.2) as (client, _):
        answer = (await send(client, write())).answer

    assert isinstance(answer, Lost)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_429_without_retry_after_is_repeated_for_reads_and_for_writes(method: str) -> None:
    refused = http(429, b'{"code": 20429}')
    async with talking(refused, refused, http(body=SHOWN)) as (client, server):
        if method == "GET":
            await client.user_conversation(SERVICE, ROW.user_sid or "", ROW.conversation_sid or "")
        else:
            answer = (await send(client, write())).answer
            assert answer == Answered(status=200, shown=answer.shown)  # type: ignore[union-attr]

    assert [line.split()[0] for line in server.lines] == [method] * 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_write_is_not_repeated_after_a_5xx(status: int) -> None:
    async with talking(http(status, b"<html>")) as (client, server):
        answer = (await send(client, write())).answer

    assert answer == Answered(status=status, message="<html>")
    assert len(server.lines) == 1


async def test_a_write_whose_connection_dies_is_not_repeated() -> None:
    async with talking(b"") as (client, server):
        answer = (await send(client, write())).answer

    assert isinstance(answer, Lost)
    assert len(server.lines) == 1


async def test_a_page_that_fails_in_the_middle_tells_why_and_keeps_what_came_before() -> None:
    sid = f"US{1:032x}".encode()
    first = (
        b'{"users": [{"sid": "%b"}], "meta": {"next_page_url": "http://h/v1/Users?PageSize=50&PageToken=PT1"}}' % sid
    )
    async with talking(http(body=first), http(403, b'{"code": 20003, "message": "Authenticate"}')) as (client, _):
        seen = []
        with pytest.raises(ApiError) as raised:
            async for page in client.users(None):
                seen += page.users

    assert [user.sid for user in seen] == [sid.decode()]
    assert (raised.value.status, raised.value.code) == (403, 20003)


async def test_credentials_do_not_follow_a_next_page_to_another_host() -> None:
    last = http(body=b'{"users": [], "meta": {"next_page_url": null}}')
    async with raw_server(lambda _: last) as elsewhere:
        first = b'{"users": [], "meta": {"next_page_url": "%b/v1/Users?PageToken=PT1"}}' % elsewhere.base_url.encode()
        async with talking(http(body=first), last) as (client, server):
            async for _ in client.users(None):
                pass

    assert elsewhere.lines == []
    assert dict(parse_qsl(server.lines[1].split()[1].split("?")[1]))["PageToken"] == "PT1"


async def test_a_success_that_is_a_web_page_is_never_taken_for_one() -> None:
    page = http(body=b"<html>hello</html>")
    async with talking(page) as (client, server):
        answer = (await send(client, write())).answer
    async with talking(page, http(body=SHOWN)) as (client, again):
        row = await client.user_conversation(SERVICE, ROW.user_sid or "", ROW.conversation_sid or "")

    assert answer == Answered(status=200, shown=None)  # which is read back
    assert len(server.lines) == 1
    assert row.notification_level == "muted"
    assert len(again.lines) == 2


async def test_a_hundred_requests_need_not_wait_for_ten_connections() -> None:
    import asyncio

    async with talking(http(body=SHOWN), max_in_flight=100) as (client, server):
        await asyncio.gather(
            *(client.user_conversation(SERVICE, ROW.user_sid or "", ROW.conversation_sid or "") for _ in range(100))
        )

    assert len(server.lines) == 100


async def test_the_logging_of_the_program_around_us_stays_as_it_was() -> None:
    before = (logging.root.level, list(logging.root.handlers))
    async with talking(http(body=SHOWN)) as (client, _):
        await send(client, write())

    assert (logging.root.level, list(logging.root.handlers)) == before


def test_a_date_that_cannot_be_read_is_unknown_and_not_passed_on_as_text() -> None:
    assert parse_timestamp("2026-11-23T12:00:00.25+01:00") == datetime(2026, 11, 23, 11, 0, 0, 250_000, UTC)
    assert parse_timestamp("2026-11-23T12:00:00") == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert isinstance(parse_timestamp("yesterday"), Unknown)
