from collections.abc import AsyncIterator

import pytest

from readstate.errors import Refused
from readstate.model.resources import User
from readstate.simulator.seed.world_shape import WorldShape
from readstate.snapshot.candidates.live_rows import UserTally
from readstate.snapshot.candidates.live_users import OnlineUsers, all_users, named_users
from readstate.snapshot.roster.selection import RosterEntry
from tests.helpers.live_reading import context
from tests.helpers.planning import read_context
from tests.helpers.scripted_transport import ScriptedTransport, page
from tests.helpers.simulated_api import SimulatedApi


async def test_a_named_user_that_cannot_be_read_is_a_failure_and_one_that_is_not_there_is_none() -> None:
    simulated, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    first, second = [user for user in simulated.service.users() if user.identity.startswith("user-")][:2]
    entries = [RosterEntry(1, name, None) for name in (first.identity, second.identity, "nobody", second.sid)]
    reading = context(simulated, tally, {f"/{first.identity}": 400})

    found = [user async for user in named_users(entries, reading)]

    assert [(user.sid, user.identity) for user in found] == [(second.sid, second.identity)]
    assert (tally.vanished, tally.unknown, tally.failed) == (0, 1, 1)
    assert first.identity in tally.failures[0]


async def test_a_listed_user_without_a_sid_is_a_failure_and_the_others_are_read() -> None:
    tally = UserTally()
    transport = ScriptedTransport(page("users", [{"sid": None}, {"sid": "US1"}]))
    reading = read_context(transport, "IS" + "0" * 32, emit=tally.observe)

    assert [user.sid async for user in all_users(reading)] == ["US1"]
    assert tally.failed == 1


async def test_credentials_that_may_not_read_end_the_reading() -> None:
    simulated, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    reading = context(simulated, tally, {"/ann": 403})

    with pytest.raises(Refused):
        [user async for user in named_users([RosterEntry(1, "ann", None)], reading)]


@pytest.mark.parametrize(
    ("reported", "online"), [([None, None], None), ([None, False], set()), ([True, False, None], {"US0"})]
)
async def test_who_is_online_is_unknown_where_twilio_reports_it_of_no_user(
    reported: list[bool | None], online: set[str] | None
) -> None:
    async def users() -> AsyncIterator[User]:
        for number, is_online in enumerate(reported):
            yield User(sid=f"US{number}", is_online=is_online)

    online_users = OnlineUsers()
    passed = [user async for user in online_users.watch(users())]

    assert len(passed) == len(reported)
    assert online_users.online == online
