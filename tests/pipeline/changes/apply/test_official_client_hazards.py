"""What hurts in Twilio's official Python client (9.10 and 9.11), where no test of one layer alone would see it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from readstate.changes.apply.send import request_for, send
from readstate.clock import SystemClock
from readstate.errors import ApiError, BadInput
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.client import Writer
from readstate.twilio.connect import connection
from tests.helpers.plans import plan_row
from tests.helpers.raw_server import RawServer, http, raw_server

SERVICE = "IS" + "2" * 32
ROW = plan_row(1, set_index=None, set_level="muted")


@asynccontextmanager
async def talking(*answers: bytes) -> AsyncIterator[tuple[Writer, RawServer]]:
    """A client with everything that a command gives it, and a server that gives *answers*, the last one for ever."""
    async with raw_server(lambda number: answers[min(number, len(answers) - 1)]) as server:
        credentials = Credentials(None, "SK" + "1" * 32, "secret")
        async with connection(Settings(base_url=server.base_url), credentials, clock=SystemClock()) as twilio:
            yield twilio.writer(), server


@pytest.mark.parametrize("alias", ["a#b", "..", "alice", f"US{1:032x}/..", ""])
def test_nothing_but_a_sid_gets_into_the_path_of_a_write(alias: str) -> None:
    for row in (plan_row(1, user_sid=alias), plan_row(1, conversation_sid=alias)):
        with pytest.raises(BadInput):
            request_for(SERVICE, row, leave_by=0.0)


async def test_no_page_is_asked_for_that_is_larger_than_twilio_allows() -> None:
    async with talking(http(body=b'{"users": [], "meta": {"next_page_url": null}}')) as (client, server):
        assert [page.users async for page in client.users(None)] == [[]]

    assert "PageSize=50" in server.lines[0]


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


async def test_the_logging_of_the_program_around_us_stays_as_it_was() -> None:
    before = (logging.root.level, list(logging.root.handlers))
    async with talking(http(204)) as (client, _):
        await send(client, request_for(SERVICE, ROW, leave_by=float("inf")))

    assert (logging.root.level, list(logging.root.handlers)) == before
