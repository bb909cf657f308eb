from datetime import UTC, datetime
from typing import Any

import pytest

from readstate.changes.current_state.plan_rows import read_rows
from readstate.errors import Refused
from readstate.model.membership import Absent, Present, Unreadable
from readstate.twilio.client import Reader
from readstate.twilio.http.response import Response
from tests.helpers.fake_clock import FakeClock
from tests.helpers.plans import plan_row
from tests.helpers.scripted_transport import ScriptedTransport, answer

SERVICE = "IS" + "2" * 32
TIMED = plan_row(1, fields_mask=2, set_index=None, pre_kind="equals")


def shown(**changes: Any) -> dict[str, Any]:
    row = {
        "user_sid": TIMED.user_sid, "conversation_sid": TIMED.conversation_sid, "participant_sid": f"MB{1:032x}",
        "chat_service_sid": SERVICE, "last_read_message_index": 3, "notification_level": "default",
    }  # fmt: skip
    return row | changes


def participant(**changes: Any) -> dict[str, Any]:
    return {"sid": f"MB{1:032x}", "last_read_message_index": 3, "last_read_timestamp": "2026-11-01T00:00:00Z"} | changes


async def read(*steps: Any, row: Any = TIMED) -> Any:
    seen = await read_rows(Reader(ScriptedTransport(*steps)), SERVICE, [row], FakeClock())
    return seen[row.plan_row_id].current


async def test_a_row_that_sets_a_timestamp_is_read_with_the_participant_who_tells_it() -> None:
    current = await read(answer(body=shown()), answer(body=participant()))

    assert isinstance(current, Present)
    assert current.last_read_timestamp == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([answer(404)], Absent),
        ([answer(500)], Unreadable),
        ([answer(body=shown(user_sid=None))], Unreadable),
        ([answer(body=shown(conversation_sid="CH" + "9" * 32))], Unreadable),
        ([answer(body=shown(participant_sid=None))], Unreadable),
        ([answer(body=shown()), answer(404)], Absent),
        ([answer(body=shown()), answer(500)], Unreadable),
    ],
)
async def test_what_cannot_be_read_whole_is_not_believed(steps: list[Response], kind: type) -> None:
    assert isinstance(await read(*steps), kind)


async def test_credentials_that_are_refused_end_everything() -> None:
    with pytest.raises(Refused):
        await read(answer(403))
    with pytest.raises(Refused):
        await read(answer(body=shown()), answer(401))
