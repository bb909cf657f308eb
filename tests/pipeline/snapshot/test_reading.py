"""Reading users: bounded in bytes, and never stuck."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pipeline.errors import NotFound, Refused, StoppedEarly, UnusableAnswer
from pipeline.events import Event, UserFailed, UserVanished
from pipeline.snapshot.checkpoint import RosterUser, UserResult
from pipeline.snapshot.reading import PageRoom, UserInHand, users_read
from pipeline.twilio.client import Reader
from pipeline.twilio.response import Response
from tests.helpers.fake_clock import FakeClock
from tests.helpers.scripted_transport import ScriptedTransport, answer, page

SERVICE = "IS" + "0" * 32
USER = RosterUser(1, SERVICE, "US" + "1" * 32, "alice")


class Lists:
    """Gives pages of a size, as fast as they are asked for, and knows how many were in hand at once."""

    def __init__(self, room: PageRoom) -> None:
        self.room = room
        self.most_walking = 0
        self._walking = 0

    async def read(self, pages: int, size: int) -> None:
        async def walk() -> AsyncIterator[Response]:
            self._walking += 1
            for _ in range(pages):
                self.most_walking = max(self.most_walking, self._walking)
                await asyncio.sleep(0)
                yield Response(200, {}, b"x" * size)
            self._walking -= 1

        bodies = await self.room.collect(walk())
        assert len(bodies) == pages
        self.room.free(sum(map(len, bodies)))


async def test_every_list_ends_however_little_room_there_is() -> None:
    lists = Lists(PageRoom(limit=10))

    await asyncio.wait_for(asyncio.gather(*(lists.read(pages=20, size=100) for _ in range(50))), timeout=10)


async def test_without_room_only_a_few_lists_go_on_at_once() -> None:
    room = PageRoom(limit=1000)
    held: list[int] = []

    async def walk() -> AsyncIterator[Response]:
        for _ in range(30):
            await asyncio.sleep(0)
            held.append(room._held)
            yield Response(200, {}, b"x" * 100)

    async def one() -> None:
        room.free(sum(map(len, await room.collect(walk()))))

    await asyncio.gather(*(one() for _ in range(60)))

    # 60 lists of 3 000 bytes would hold 180 000; a first page each, and a few lists that go on to their end.
    assert max(held) < 1000 + 60 * 100 + 8 * 3000
    assert room._held == 0


async def test_a_list_that_fails_gives_its_room_back() -> None:
    room = PageRoom(limit=10)

    async def walk() -> AsyncIterator[Response]:
        yield Response(200, {}, b"x" * 100)
        raise UnusableAnswer("broken")

    with pytest.raises(UnusableAnswer):
        await room.collect(walk())
    assert room._held == 0


async def read_one(*steps: object) -> tuple[UserInHand | UserResult, list[Event]]:
    events: list[Event] = []

    async def users() -> AsyncIterator[RosterUser]:
        yield USER

    reader = Reader(ScriptedTransport(*steps))  # type: ignore[arg-type]
    async with users_read(reader, users(), room=PageRoom(), limit=1, clock=FakeClock(), emit=events.append) as outcomes:
        return await anext(outcomes), events


async def test_a_user_comes_with_all_pages() -> None:
    outcome, _ = await read_one(
        page("conversations", [], "https://x/v1?PageSize=50&PageToken=PT1"), page("conversations", [])
    )

    assert isinstance(outcome, UserInHand)
    assert len(outcome.pages) == 2


async def test_a_user_that_is_gone_has_vanished() -> None:
    outcome, events = await read_one(answer(404, {"code": 20404}))

    assert isinstance(outcome, UserResult)
    assert outcome.state == "vanished"
    assert isinstance(events[0], UserVanished)


@pytest.mark.parametrize("step", [answer(500), answer(401, {"code": 20003}), UnusableAnswer("no JSON")])
async def test_a_user_that_cannot_be_read_has_failed_with_the_facts(step: object) -> None:
    # Halving a page of 50 asks six times more often.
    outcome, events = await read_one(*[step] * 6)

    assert isinstance(outcome, UserResult)
    assert outcome.state == "failed"
    assert outcome.reason
    assert isinstance(events[-1], UserFailed)


async def test_a_key_without_permission_ends_the_run() -> None:
    with pytest.raises(Refused):
        await read_one(answer(403, {"code": 70051}))


async def test_an_outage_ends_the_run() -> None:
    with pytest.raises(StoppedEarly):
        await read_one(StoppedEarly("too long"))


def test_vanishing_is_no_refusal() -> None:
    assert not issubclass(NotFound, Refused)
