from typing import Any

import pytest

from readstate.changes.current_state.memberships import FetchedMembership, ReadResult, UserLines, read_user
from readstate.model.membership import Unreadable
from readstate.twilio.client import Reader
from tests.helpers.scripted_transport import ScriptedTransport, answer

SERVICE, USER, CONVERSATION, MEMBER = "IS" + "1" * 32, "US" + "2" * 32, "CH" + "3" * 32, "MB" + "4" * 32
ROW = {
    "chat_service_sid": SERVICE,
    "user_sid": USER,
    "conversation_sid": CONVERSATION,
    "participant_sid": MEMBER,
    "notification_level": "default",
}


async def read(user_id: str = USER, **changes: Any) -> ReadResult:
    """Read one membership, and get a row with *changes*."""
    reader = Reader(ScriptedTransport(answer(body=ROW | changes)))
    return (await read_user(reader, SERVICE, UserLines(user_id, {CONVERSATION: 2}))).found[CONVERSATION]


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
    found = await read(**changes)

    assert isinstance(found, Unreadable)
    assert message in found.detail


async def test_an_identity_may_stand_for_any_user() -> None:
    assert isinstance(await read("alice", user_sid="US" + "9" * 32), FetchedMembership)
