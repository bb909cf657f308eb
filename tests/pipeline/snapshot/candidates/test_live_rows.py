from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pyarrow as pa
import pytest

from readstate.errors import ExitCode, Stopped
from readstate.events import Event
from readstate.model.resources import User
from readstate.simulator.seed.world_shape import WorldShape
from readstate.snapshot.candidates.live_rows import UserTally, read_rows
from readstate.snapshot.candidates.live_users import all_users
from readstate.stop import StopReason
from readstate.twilio.http.response import Response
from readstate.twilio.read_context import ReadContext
from tests.helpers.live_reading import context
from tests.helpers.simulated_api import SimulatedApi
from tests.helpers.user_conversation_pages import page, row

SHAPE = WorldShape(users=450, services=1, heaviest=60)


OF_ANOTHER_USER = page([row(user=99)])


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
    simulated, tally = SimulatedApi(SHAPE), UserTally()
    reading = context(simulated, tally)

    tables = await read(all_users(reading), reading)

    expected = [
        (user.sid, listed["conversation_sid"])
        for user in simulated.service.users()
        for listed in simulated.rows(f"/v1/Users/{user.sid}/Conversations")
    ]
    assert sorted(keys(tables)) == sorted(expected)
    assert len(tables) == 3
    assert (tally.read, tally.vanished, tally.failed) == (450, 0, 0)


async def test_a_user_with_an_unusable_answer_fails_alone() -> None:
    simulated, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    victim = simulated.user_with(conversations=5)
    reading = context(simulated, tally, {f"/{victim}/Conversations": Response(200, {}, OF_ANOTHER_USER)})

    tables = await read(all_users(reading), reading)

    assert {user for user, _ in keys(tables)} == {
        user.sid for user in simulated.service.users() if simulated.service.conversations_of(user.number)
    } - {victim}
    assert (tally.read, tally.failed) == (19, 1)
    assert victim in tally.failures[0]


async def test_a_user_who_left_meanwhile_is_counted() -> None:
    simulated, tally = SimulatedApi(WorldShape(users=20)), UserTally()
    reading = context(simulated, tally)
    victim = simulated.user_with(conversations=5)

    async def users() -> AsyncIterator[User]:
        async for user in all_users(reading):
            if user.sid == victim:
                found = simulated.service.find_user(victim)
                assert found is not None
                simulated.world.edit(simulated.service, actor="somebody").delete_user(found)
            yield user

    await read(users(), reading)

    assert (tally.read, tally.vanished, tally.failed) == (19, 1, 0)


async def test_only_the_first_failures_are_remembered_and_all_are_counted() -> None:
    simulated, tally = SimulatedApi(WorldShape(users=60)), UserTally()
    reading = context(simulated, tally, {"/Conversations": 400})

    assert keys(await read(all_users(reading), reading)) == []

    assert tally.failed == 60
    assert len(tally.failures) == 20


async def test_a_stop_ends_the_reading() -> None:
    simulated, tally = SimulatedApi(WorldShape(users=60)), UserTally()
    reading = context(simulated, tally)
    reading.stop.request_stop(StopReason("enough", ExitCode.INTERRUPTED))

    with pytest.raises(Stopped, match="enough"):
        await read(all_users(reading), reading)


def test_events_about_anything_else_are_not_counted() -> None:
    tally, event = UserTally(), Event()
    tally.observe(event)

    assert (tally.read, tally.vanished, tally.failed, tally.failures) == (0, 0, 0, [])
