"""Reading users now: whole users, counted users, and no run that cannot be stopped."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pyarrow as pa
import pytest

from readstate.errors import ExitCode, Refused, Stopped
from readstate.events import Event
from readstate.model.resources import User
from readstate.simulator.seed.world_shape import WorldShape
from readstate.snapshot.candidates.live_rows import UserTally, read_rows
from readstate.snapshot.candidates.live_users import OnlineUsers, all_users, named_users
from readstate.snapshot.roster.users_file import RosterEntry
from readstate.stop import StopReason, StopSwitch
from readstate.twilio.client import Reader
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from readstate.twilio.read_context import ReadContext
from tests.helpers.fake_clock import FakeClock
from tests.helpers.planning import DeskTransport
from tests.helpers.simulated_api import SimulatedApi
from tests.helpers.user_conversation_pages import page, row

SHAPE = WorldShape(users=450, services=1, heaviest=60)
OF_ANOTHER_USER = page([row(user=99)])


class Lying:
    """A transport that changes the answers whose path ends with *ending*."""

    def __init__(self, desk: SimulatedApi, ending: str, answer: Response) -> None:
        self._inner, self._ending, self._answer = DeskTransport(desk), ending, answer

    async def send(self, request: Request) -> Response:
        return self._answer if request.path.endswith(self._ending) else await self._inner.send(request)


def context(desk: SimulatedApi, tally: UserTally, transport: DeskTransport | Lying | None = None) -> ReadContext:
    return ReadContext(
        reader=Reader(transport or DeskTransport(desk)),
        service_sid=desk.service.sid,
        clock=FakeClock(),
        stop=StopSwitch(),
        emit=tally.observe,
        parallel=8,
    )


async def read(users: AsyncIterator[User], reading: ReadContext) -> list[pa.Table]:
    tables: list[pa.Table] = []

    def take(table: pa.Table, read_at: datetime) -> None:
        assert read_at == reading.clock.now()
        tables.append(table)

    await read_rows(users, reading, take)
    return tables


def keys(tables: Sequence[pa.Table]) -> list[tuple[str, str]]:
    return [(found["user_sid"], found["conversation_sid"]) for table in tables for found in table.to_pylist()]


async def test_all_rows_of_all_users_come_once_some_users_at_a_time() -> None:
    desk, tally = SimulatedApi(SHAPE), UserTally()
    reading = context(desk, tally)

    tables = await read(all_users(reading), reading)

    expected = [
        (user.sid, listed["conversation_sid"])
        for user in desk.service.users()
        for listed in desk.rows(f"/v1/Users/{user.sid}/Conversations")
    ]
    assert sorted(keys(tables)) == sorted(expected)
    assert len(tables) == 3
    assert (tally.read, tally.vanished, tally.failed) == (450, 0, 0)


async def test_a_user_whose_answer_cannot_be_used_costs_nobody_else() -> None:
    desk, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    victim = desk.user_with(conversations=5)
    reading = context(desk, tally, Lying(desk, f"/{victim}/Conversations", Response(200, {}, OF_ANOTHER_USER)))

    tables = await read(all_users(reading), reading)

    assert {user for user, _ in keys(tables)} == {
        user.sid for user in desk.service.users() if desk.service.conversations_of(user.number)
    } - {victim}
    assert (tally.read, tally.failed) == (19, 1)
    assert victim in tally.failures[0]


async def test_a_user_who_left_meanwhile_is_counted() -> None:
    desk, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    reading = context(desk, tally)
    victim = desk.user_with(conversations=5)

    async def users() -> AsyncIterator[User]:
        async for user in all_users(reading):
            if user.sid == victim:
                found = desk.service.find_user(victim)
                assert found is not None
                desk.world.edit(desk.service, actor="somebody").delete_user(found)
            yield user

    await read(users(), reading)

    assert (tally.read, tally.vanished, tally.failed) == (19, 1, 0)


async def test_only_the_first_failures_are_remembered_and_all_are_counted() -> None:
    desk, tally = SimulatedApi(WorldShape(users=60)), UserTally()
    reading = context(desk, tally, Lying(desk, "/Conversations", Response(400, {}, b"")))

    assert keys(await read(all_users(reading), reading)) == []

    assert tally.failed == 60
    assert len(tally.failures) == 20


async def test_a_stop_ends_the_reading() -> None:
    desk, tally = SimulatedApi(WorldShape(users=60)), UserTally()
    reading = context(desk, tally)
    reading.stop.request_stop(StopReason("enough", ExitCode.INTERRUPTED))

    with pytest.raises(Stopped, match="enough"):
        await read(all_users(reading), reading)


async def test_a_named_user_that_cannot_be_read_is_a_failure_and_one_that_is_not_there_is_none() -> None:
    desk, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    first, second = [user for user in desk.service.users() if user.identity.startswith("user-")][:2]
    entries = [RosterEntry(1, name, None) for name in (first.identity, second.identity, "nobody", second.sid)]
    reading = context(desk, tally, Lying(desk, f"/{first.identity}", Response(400, {}, b"")))

    found = [user async for user in named_users(entries, reading)]

    assert [(user.sid, user.identity) for user in found] == [(second.sid, second.identity)]
    assert (tally.vanished, tally.failed) == (1, 1)
    assert first.identity in tally.failures[0]


async def test_credentials_that_may_not_read_end_the_reading() -> None:
    desk, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    reading = context(desk, tally, Lying(desk, "/ann", Response(403, {}, b"")))

    with pytest.raises(Refused):
        [user async for user in named_users([RosterEntry(1, "ann", None)], reading)]


@pytest.mark.parametrize(
    ("told", "online"), [([None, None], None), ([None, False], set()), ([True, False, None], {"US0"})]
)
async def test_who_is_online_is_known_only_where_somebody_said_so(
    told: list[bool | None], online: set[str] | None
) -> None:
    async def users() -> AsyncIterator[User]:
        for number, is_online in enumerate(told):
            yield User(sid=f"US{number}", is_online=is_online)

    online_users = OnlineUsers()
    passed = [user async for user in online_users.watch(users())]

    assert len(passed) == len(told)
    assert online_users.online == online


def test_events_about_anything_else_are_not_counted() -> None:
    tally, event = UserTally(), Event()
    tally.observe(event)

    assert (tally.read, tally.vanished, tally.failed, tally.failures) == (0, 0, 0, [])
