import asyncio
import gc
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from readstate.errors import Refused, StoppedEarly, UnusableAnswer
from readstate.events import Event, UserFailed, UserVanished
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.extract.fetch import FetchedUser, PageBuffer, fetch_users
from readstate.snapshot.extract.spill import Spill
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.roster.selection import RosterSelection
from readstate.snapshot.workspace.users import RosterUser, UserResult
from readstate.twilio.client import Reader
from readstate.twilio.http.response import Response
from readstate.twilio.retry import Retrying, RetryPolicy
from tests.helpers.altered_answers import altered_answers
from tests.helpers.exporting import Export, assert_same, world_rows
from tests.helpers.fake_clock import FakeClock
from tests.helpers.scripted_transport import ScriptedTransport, answer, page

SERVICE = "IS" + "0" * 32
USER = RosterUser(1, SERVICE, "US" + "1" * 32, "alice")


async def test_pages_beyond_the_bound_are_spilled_and_read_back(tmp_path: Path) -> None:
    buffer = PageBuffer(Spill(tmp_path), limit=1000)
    held: list[int] = []

    async def walk(name: int) -> AsyncIterator[Response]:
        for number in range(30):
            await asyncio.sleep(0)
            held.append(buffer.held)
            yield Response(200, {}, b"%02d %02d" % (name, number) * 20)

    async def one(name: int) -> None:
        user = FetchedUser(USER, await buffer.collect(partial(anext, walk(name), None)))
        for _ in range(2):
            assert list(user.bodies()) == [b"%02d %02d" % (name, number) * 20 for number in range(30)]
        buffer.free(user.size)

    await asyncio.gather(*(one(name) for name in range(60)))

    assert 900 < max(held) <= 1000
    assert buffer.held == 0
    assert _names(tmp_path) == []


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_list_that_fails_frees_its_part_of_the_buffer() -> None:
    buffer = PageBuffer(Spill(), limit=10)

    async def walk() -> AsyncIterator[Response]:
        yield Response(200, {}, b"x" * 100)
        raise UnusableAnswer("broken")

    with pytest.raises(UnusableAnswer):
        await buffer.collect(partial(anext, walk(), None))
    assert buffer.held == 0


async def read_one(*steps: object) -> tuple[FetchedUser | UserResult, list[Event]]:
    events: list[Event] = []

    async def users() -> AsyncIterator[RosterUser]:
        yield USER

    clock = FakeClock()
    transport = Retrying(ScriptedTransport(*steps), policy=RetryPolicy(max_attempts=3), clock=clock)  # type: ignore[arg-type]
    async with fetch_users(
        Reader(transport), users(), buffer=PageBuffer(Spill()), limit=1, clock=clock, emit=events.append
    ) as outcomes:
        return await anext(outcomes), events


async def test_a_user_comes_with_all_pages() -> None:
    rows = [{"conversation_sid": f"CH{number:032}"} for number in range(12)]
    outcome, _ = await read_one(
        page("conversations", rows, "https://x/v1?PageSize=50&PageToken=PT1"), page("conversations", [])
    )

    assert isinstance(outcome, FetchedUser)
    assert len(outcome.pages) == 2


async def test_a_user_that_is_gone_has_vanished() -> None:
    outcome, events = await read_one(answer(404, {"code": 20404}))

    assert isinstance(outcome, UserResult)
    assert outcome.state == "vanished"
    assert isinstance(events[0], UserVanished)


NESTED = b'{"conversations": [], "meta": {}, "deep": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"


@pytest.mark.parametrize(
    "step", [answer(500), answer(401, {"code": 20003}), UnusableAnswer("no JSON"), answer(200, NESTED)]
)
async def test_a_user_that_cannot_be_read_has_failed_with_the_facts(step: object) -> None:
    # Halving a page of 50 asks six times more often.
    outcome, events = await read_one(*[step] * 6)

    assert isinstance(outcome, UserResult)
    assert outcome.state == "failed"
    assert outcome.reason
    assert isinstance(events[-1], UserFailed)


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


OTHER_USER = f"https://x/v1/Services/{SERVICE}/Users/US{'9' * 32}/Conversations?PageSize=50"


@pytest.mark.parametrize(
    "body", [b"no JSON", NESTED, json.dumps({"conversations": [], "meta": {"url": OTHER_USER}}).encode()]
)
@pytest.mark.usefixtures("no_garbage_collector")
async def test_an_unusable_body_goes_with_its_error(body: bytes) -> None:
    """Not with the garbage collector, which may let pass a hundred of these, each of megabytes."""
    before = sys.getrefcount(body)

    outcome, _ = await read_one(*[lambda _: Response(200, {}, body)] * 3)

    assert isinstance(outcome, UserResult)
    assert sys.getrefcount(body) == before


async def test_a_key_without_permission_ends_the_run() -> None:
    with pytest.raises(Refused):
        await read_one(answer(403, {"code": 70051}))


async def test_an_outage_ends_the_run() -> None:
    with pytest.raises(StoppedEarly):
        await read_one(StoppedEarly("too long"))


def with_row(name: bytes, value: bytes) -> Callable[[bytes], bytes]:
    """Give one row a field in place of its name."""
    return lambda body: body.replace(b'"friendly_name":', b'"%b":%b,"x":' % (name, value), 1)


def with_meta(name: str, value: str) -> Callable[[bytes], bytes]:
    def alter(body: bytes) -> bytes:
        page = json.loads(body)
        page["meta"][name] = value
        return json.dumps(page).encode()

    return alter


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


EMPTY_ROWS = b'{"conversations": [' + b"{}," * 2_000_000 + b'{}], "meta": {"next_page_url": null}}'
HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "nested deeper than 250": with_row(b"new_field", nested(20_000)),
    "deeper than 250 levels": with_row(b"friendly_name", nested(900)),
    "friendly_name is no string": with_row(b"friendly_name", nested(100)),
    "more than 250000 values": lambda _: EMPTY_ROWS,
    "page token is longer": with_meta("next_page_url", f"https://x/?PageToken={'x' * 900_000}"),
    "about another resource": with_meta("url", OTHER_USER),
    "body is larger than 7 MB": lambda body: body + b" " * (8 << 20),
}


async def test_hostile_pages_set_their_users_apart_and_the_others_are_read(
    twilio: RunningSimulator, job: Export
) -> None:
    service = twilio.world.default_service.sid
    rows = {key: row for key, row in world_rows(twilio).items() if key[0] == service}
    victims = dict(zip(sorted({user for _, user, _ in rows}), HOSTILE, strict=False))

    def alter(target: str, body: bytes) -> bytes:
        named = re.search("/Users/(US[0-9a-f]{32})/Conversations", target)
        reason = victims.get(named[1]) if named else None
        return HOSTILE[reason](body) if reason else body

    async with altered_answers(twilio.base_url, alter) as server:
        job.settings |= {"base_url": server.base_url, "max_body_megabytes": 7, "max_attempts": 2}
        manifest = await job.run(selection=RosterSelection(services=(service,)))

    failures = {row["user_sid"]: row["reason"] for row in open_snapshot(job.root).failures().to_pylist()}
    assert failures.keys() == victims.keys()
    assert [sid for sid, reason in victims.items() if reason not in failures[sid]] == []
    expected = {key: row for key, row in rows.items() if key[1] not in victims}
    assert_same(job.published(), expected)
    assert manifest.users.failed == len(HOSTILE)
