from itertools import chain
from pathlib import Path

import pytest

from readstate.errors import BadInput
from readstate.simulator.api.expected_rows import Oracle
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.dump import dump_lines, dump_world, load_world, world_from_lines
from readstate.simulator.world.world import World
from tests.helpers.simulated_api import SimulatedApi

HEAD = '{"format": "readstate world 2", "shape": {"users": 3}}'


def _everything(world: World) -> list[object]:
    oracle = Oracle(world, account_sid="AC", base_url="http://x")
    messages = [
        service.message(conversation, index)
        for service in world.services
        for conversation in service.conversations()
        for index in conversation.messages.ascending(conversation.messages.last_ever - 3)
    ]
    users = [user for _, user in world.users()]
    participants = chain.from_iterable(
        service.participants(conversation) for service in world.services for conversation in service.conversations()
    )
    return [*oracle.every_user_conversation(), *users, *participants, *messages]


def test_a_world_comes_back_with_everything_that_was_changed(tmp_path: Path) -> None:
    api = SimulatedApi(WorldShape(users=40, services=2))
    row, other = api.membership(), api.membership(state="inactive")
    made = api.ask("POST", "/v1/Users", Identity="anna").body
    conversation = api.ask("POST", "/v1/Conversations", UniqueName="mine").body
    api.ask("POST", f"{conversation['url']}/Participants", Identity="anna")
    api.ask("POST", row["url"], LastReadMessageIndex="1")
    api.ask("POST", f"{row['links']['conversation']}/Messages", Author="anna", Body="hi")
    api.ask("POST", other["links"]["conversation"], State="closed")
    api.ask("DELETE", other["url"])
    api.ask("DELETE", f"/v1/Users/{api.user_with(2)}")
    api.ask("DELETE", api.membership(state="closed")["links"]["conversation"])
    doomed = api.ask("POST", "/v1/Services", FriendlyName="Doomed").body
    extra = api.ask("POST", "/v1/Services", FriendlyName="Extra").body
    api.ask("POST", f"{extra['url']}/Users", Identity="berta")
    api.ask("DELETE", doomed["url"])
    api.ask("POST", "/v1/Configuration", DefaultInactiveTimer="PT10M")
    path = tmp_path / "world.jsonl"

    dump_world(api.world, path)
    loaded = load_world(path)

    assert loaded.shape == api.world.shape
    assert _everything(loaded) == _everything(api.world)
    assert loaded.default_service.find_user("anna") == api.service.find_user(made["sid"])
    assert loaded.configuration == api.world.configuration
    assert [(found.sid, found.friendly_name) for found in loaded.services] == [
        (found.sid, found.friendly_name) for found in api.world.services
    ]
    assert list(dump_lines(loaded)) == list(dump_lines(api.world))


def test_a_world_where_nothing_happened_is_one_line() -> None:
    assert len(list(dump_lines(World(WorldShape(users=1_000_000))))) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "not a world"),
        (["nonsense"], "not a world"),
        (["{}"], "not a world"),
        (['{"format": "readstate world 9", "shape": {}}'], "line 1"),
        (['{"format": "readstate world 2", "shape": {"users": "many"}}'], "not a world"),
        ([HEAD, "nonsense"], "line 2"),
        ([HEAD, '{"service": 7, "user": 0, "sid": null, "is": null}'], "line 2"),
        ([HEAD, '{"service": 0, "user": 0, "sid": null, "is": null}', '{"service": 0}'], "line 3"),
        ([HEAD, '{"service": 0, "user": 0, "sid": null, "is": {"number": "x"}}'], "line 2"),
    ],
)
def test_a_file_that_is_no_world_is_refused_with_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        world_from_lines(lines)
