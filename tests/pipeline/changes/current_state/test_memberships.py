import json
from typing import Any

import pytest

from readstate.changes.current_state.memberships import FetchedMembership, UserLines, read_user
from readstate.model.membership import Unreadable
from readstate.twilio.client import Reader
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response

SERVICE, USER, CONVERSATION, MEMBER = "IS" + "1" * 32, "US" + "2" * 32, "CH" + "3" * 32, "MB" + "4" * 32
ROW = {
    "chat_service_sid": SERVICE,
    "user_sid": USER,
    "conversation_sid": CONVERSATION,
    "participant_sid": MEMBER,
    "notification_level": "default",
}


class Answering:
    """A transport that gives one row, whatever is asked."""

    def __init__(self, **changes: Any) -> None:
        self._row = ROW | changes

    async def send(self, request: Request) -> Response:
        return Response(200, {}, json.dumps(self._row).encode())


def lines(address: str = USER) -> UserLines:
    return UserLines(address, {CONVERSATION: 2})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"user_sid": None}, "names no user"),
        ({"user_sid": "../Users"}, "names no user"),
        ({"conversation_sid": "CH.."}, "names no conversation"),
        ({"user_sid": "US" + "9" * 32}, "another user"),
        ({"chat_service_sid": "IS" + "9" * 32}, "another service"),
    ],
)
async def test_a_row_that_names_something_else_is_not_believed(changes: dict[str, Any], message: str) -> None:
    reading = await read_user(Reader(Answering(**changes)), SERVICE, lines())

    found = reading.found[CONVERSATION]
    assert isinstance(found, Unreadable)
    assert message in found.detail


async def test_an_identity_may_stand_for_any_user() -> None:
    reading = await read_user(Reader(Answering(user_sid="US" + "9" * 32)), SERVICE, lines("alice"))

    assert isinstance(reading.found[CONVERSATION], FetchedMembership)
