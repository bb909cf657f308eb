from datetime import timedelta

import pytest

from readstate.changes.current_state.target import find_target
from readstate.errors import BadInput, NotPermitted
from readstate.twilio.client import Reader
from tests.helpers.fake_clock import FakeClock
from tests.helpers.planning import SimulatedTransport
from tests.helpers.scripted_transport import ScriptedTransport, answer, page
from tests.helpers.simulated_api import SimulatedApi


async def test_a_service_that_is_not_there_is_bad_input(simulated: SimulatedApi) -> None:
    reader = Reader(SimulatedTransport(simulated))

    with pytest.raises(BadInput, match="no service"):
        await find_target(reader, "IS" + "0" * 32, base_url="x", clock=FakeClock())


async def test_the_clock_of_the_server_is_compared(simulated: SimulatedApi) -> None:
    clock = FakeClock()
    clock.advance(3600)

    located = await find_target(Reader(SimulatedTransport(simulated)), None, base_url="x", clock=clock)

    assert located.server_offset == timedelta(hours=-1)
    assert located.server_now(clock).isoformat() == "2026-11-23T02:00:00+00:00"


async def test_a_server_that_tells_no_time_is_taken_to_have_ours() -> None:
    steps = answer(body={"account_sid": "AC", "default_chat_service_sid": "IS" + "1" * 32}), page("users", [])

    located = await find_target(Reader(ScriptedTransport(*steps)), None, base_url="x", clock=FakeClock())

    assert located.server_offset == timedelta()


async def test_an_account_without_a_default_service_has_to_name_one() -> None:
    nameless = ScriptedTransport(answer(body={"account_sid": "AC", "default_chat_service_sid": None}))

    with pytest.raises(NotPermitted, match="no default"):
        await find_target(Reader(nameless), None, base_url="x", clock=FakeClock())
