"""Worlds in files."""

from itertools import chain
from pathlib import Path

import pytest

from readstate.errors import BadInput
from readstate.simulator.api.expected_rows import Oracle
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.dump import dump_lines, dump_world, load_world, world_from_lines
from readstate.simulator.world.world import World
from tests.helpers.simulated_api import SimulatedApi

HEAD = '{"format": "readstate world 1", "shape": {"users": 3}}'


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
    desk = SimulatedApi(WorldShape(users=40, services=2))
    row, other = desk.membership(), desk.membership(state="inactive")
    made = desk.ask("POST", "/v1/Users", Identity="anna").body
    conversation = desk.ask("POST", "/v1/Conversations", UniqueName="mine").body
    desk.ask("POST", f"{conversation['url']}/Participants", Identity="anna")
    desk.ask("POST", row["url"], LastReadMessageIndex="1")
    desk.ask("POST", f"{row['links']['conversation']}/Messages", Author="anna", Body="hi")
    desk.ask("POST", other["links"]["conversation"], State="closed")
    desk.ask("DELETE", other["url"])
    desk.ask("DELETE", f"/v1/Users/{desk.user_with(2)}")
    desk.ask("DELETE", desk.membership(state="closed")["links"]["conversation"])
    path = tmp_path / "world.jsonl"

    dump_world(desk.world, path)
    loaded = load_world(path)

    assert loaded.shape == desk.world.shape
    assert _everything(loaded) == _everything(desk.world)
    assert loaded.default_service.find_user("anna") == desk.service.find_user(made["sid"])
    assert list(dump_lines(loaded)) == list(dump_lines(desk.world))


def test_a_world_where_nothing_happened_is_one_line() -> None:
    assert len(list(dump_lines(World(WorldShape(users=1_000_000))))) == 1


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "not a world"),
        (["nonsense"], "not a world"),
        (["{}"], "not a world"),
        (['{"format": "readstate world 9", "shape": {}}'], "line 1"),
        (['{"format": "readstate world 1", "shape": {"users": "many"}}'], "not a world"),
        ([HEAD, "nonsense"], "line 2"),
        ([HEAD, '{"service": 7, "user": 0, "sid": null, "is": null}'], "line 2"),
        ([HEAD, '{"service": 0, "user": 0, "sid": null, "is": null}', '{"service": 0}'], "line 3"),
        ([HEAD, '{"service": 0, "user": 0, "sid": null, "is": {"number": "x"}}'], "line 2"),
    ],
)
def test_a_file_that_is_no_world_is_refused_with_its_line(lines: list[str], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        world_from_lines(lines)
