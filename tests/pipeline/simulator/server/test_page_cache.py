import pytest

from readstate.simulator.api.api import Request
from readstate.simulator.api.responses import Response
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.page_cache import PageCache
from readstate.simulator.server.server import serving
from readstate.simulator.server.simulator import Simulator
from readstate.simulator.world.world import World
from tests.helpers.simulated_api import AUTHORIZATION


def test_the_oldest_pages_go_when_there_is_no_more_room() -> None:
    cache = PageCache(most_bytes=25)

    for name in "abc":
        cache.put(name, ("/", Response(200, b"0123456789")))

    assert [name for name in "abc" if cache.get(name)] == ["b", "c"]


def test_nothing_is_left_when_the_world_has_changed() -> None:
    cache = PageCache(most_bytes=25)
    cache.put("a", ("/", Response(200, b"0123456789")))

    cache.clear()
    for name in "bc":
        cache.put(name, ("/", Response(200, b"0123456789")))

    assert [name for name in "abc" if cache.get(name)] == ["b", "c"]


async def test_pages_are_rendered_once_until_something_changes(serve) -> None:
    simulator, connection = await serve()
    service = simulator.world.default_service
    user = next(user for user in service.users() if len(service.conversations_of(user.number)) > 2)
    path = f"/v1/Users/{user.sid}/Conversations"
    row = (await connection.ask("GET", path)).body["conversations"][0]
    await connection.ask("POST", f"{path}/{row['conversation_sid']}", b"NotificationLevel=muted&LastReadMessageIndex=0")

    after = (await connection.ask("GET", path)).body["conversations"][0]

    assert (after["notification_level"], after["last_read_message_index"]) == ("muted", 0)


async def test_pages_rendered_before_the_first_request_are_the_same(dial, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = WorldShape(users=60, services=2, heaviest=120)
    async with serving(World(shape)) as simulator:
        connection = await dial(simulator)
        ready = Simulator(World(shape))
        ready.set_base_url(simulator.base_url)
        sent = []

        class Wire:
            def send(self, payload: bytes) -> None:
                sent.append(payload.partition(b"\r\n\r\n")[2])

        rendered = ready.prerender()
        monkeypatch.setattr(ready.api, "handle", None)
        for service, user in ready.world.users():
            target = f"/v1/Services/{service.sid}/Users/{user.sid}/Conversations?PageSize=50"
            while target:
                ready.receive(Request("GET", target, AUTHORIZATION), Wire())
                answer = await connection.ask("GET", target)
                assert sent[-1] == answer.raw
                target = (answer.body["meta"]["next_page_url"] or "").removeprefix(simulator.base_url)
        assert rendered == len(sent) > 60


async def test_a_cached_page_needs_credentials(serve) -> None:
    _, connection = await serve()
    assert (await connection.ask("GET", "/v1/Users")).status == 200
    connection.writer.write(b"GET /v1/Users HTTP/1.1\r\nAuthorization: Basic none\r\n\r\n")

    assert (await connection.receive()).status == 401
