"""Worlds: consistent from both sides, as busy as asked for, and made in no time."""

import subprocess
import sys
from collections import Counter
from itertools import islice

import pytest

from readstate.errors import BadInput
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World


def _degrees(service: Service) -> Counter[int]:
    return Counter(len(service.conversations_of(user.number)) for user in service.users())


@pytest.mark.parametrize("users", [0, 1, 2, 30, 700])
@pytest.mark.parametrize("services", [1, 3])
def test_a_conversation_lists_exactly_the_users_whose_lists_contain_it(users: int, services: int) -> None:
    world = World(WorldShape(users=users, services=services, seed=users))
    for service in world.services:
        by_user = {
            (number, user.number) for user in service.users() for _, number in service.conversations_of(user.number)
        }

        by_conversation = {
            (conversation.number, participant.user)
            for conversation in service.conversations()
            for participant in service.participants(conversation)
        }

        assert by_user == by_conversation


def test_lists_are_in_sid_order_and_complete() -> None:
    service = World(WorldShape(users=500)).default_service

    users = [user.sid for user in service.users()]
    conversations = [conversation.sid for conversation in service.conversations()]

    assert users == sorted(users)
    assert len(users) == 500
    assert conversations == sorted(conversations)
    assert list(service.users_down(before="US" + "g" * 32)) == list(service.users_down(before="USg" + "0" * 31))
    assert [user.sid for user in service.users_down(before=users[7])] == users[6::-1]
    assert [found.sid for found in service.conversations_down(before=conversations[3])] == conversations[2::-1]


def test_the_mean_is_as_asked_and_the_tail_is_heavy() -> None:
    service = World(WorldShape(users=20_000, conversations_per_user=5)).default_service

    degrees = _degrees(service)

    rows = sum(size * count for size, count in degrees.items())
    assert rows / 20_000 == pytest.approx(5, rel=0.02)
    assert max(degrees) == 1050
    assert all(degrees[size] > 0 for size in (0, 1, 2, 50, 51, 100, 101))
    assert sum(count for size, count in degrees.items() if size > 20) > 200


def test_conversations_have_one_member_or_two_or_ten_or_a_hundred() -> None:
    service = World(WorldShape(users=2_000)).default_service

    sizes = Counter(len(service.participants(conversation)) for conversation in service.conversations())

    assert all(sizes[size] > 0 for size in (1, 2, 10, 100))


def test_the_world_holds_what_clients_stumble_over() -> None:
    service = World(WorldShape(users=2_000)).default_service
    conversations = list(service.conversations())
    members = [member for found in conversations for member in service.participants(found)]
    newest = {found.number: found.messages.newest() for found in conversations}
    beyond = [
        member
        for found in conversations
        for member in service.participants(found)
        if (member.last_read_message_index or 0) > (newest[found.number] or 0)
    ]

    assert {found.state for found in conversations} == {"active", "inactive", "closed"}
    assert {found.friendly_name is None for found in conversations} == {True, False}
    assert {found.unique_name is None for found in conversations} == {True, False}
    assert None in newest.values()
    assert any(found.messages.every for found in conversations)
    assert any(found.messages.count_after(-1) > 1_000 for found in conversations)
    assert 0.3 < sum(member.last_read_message_index is None for member in members) / len(members) < 0.7
    assert {member.notification_level for member in members} == {"default", "muted"}
    assert beyond, "nobody has a horizon beyond the newest message"


def test_everybody_is_found_by_sid_and_by_name() -> None:
    service = World(WorldShape(users=400, odd_identities=0.5)).default_service

    for user in service.users():
        assert service.find_user(user.sid) == user
        assert service.find_user(user.identity) == user
    for conversation in service.conversations():
        assert service.find_conversation(conversation.sid) == conversation
        if conversation.unique_name is not None:
            assert service.find_conversation(conversation.unique_name) == conversation
        for member in service.participants(conversation):
            assert service.find_participant(conversation, member.sid) == member


@pytest.mark.parametrize("reference", ["", "nobody", "US" + "0" * 32, "user-99999999", "MBxyz", "CHé", "case ٣"])
def test_what_does_not_exist_is_not_found(reference: str) -> None:
    service = World(WorldShape(users=50)).default_service
    conversation = next(service.conversations())

    assert service.find_user(reference) is None
    assert service.find_conversation(reference) is None
    assert service.find_participant(conversation, reference) is None


def test_the_same_identity_is_another_user_in_another_service() -> None:
    here, there = World(WorldShape(users=100, services=2)).services

    assert here.user(0) is not None
    assert there.user(0) is not None
    assert here.user(0).identity == there.user(0).identity
    assert here.user(0).sid != there.user(0).sid
    assert there.find_user(here.user(0).sid) is None


def test_the_seed_decides_everything() -> None:
    def facts(seed: int) -> list[object]:
        service = World(WorldShape(users=30, seed=seed)).default_service
        return [service.sid, *service.users(), *service.conversations()]

    assert facts(4) == facts(4)
    assert facts(4) != facts(5)


def test_asking_is_the_same_whatever_was_asked_before() -> None:
    shape = WorldShape(users=300)
    fresh, used = World(shape).default_service, World(shape).default_service
    for conversation in used.conversations():
        used.participants(conversation)

    last = list(used.users())[-1]

    assert fresh.conversations_of(last.number) == used.conversations_of(last.number)


def test_what_is_forgotten_comes_back_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readstate.simulator.world.service._REMEMBERED_CONVERSATIONS", 3)
    monkeypatch.setattr("readstate.simulator.world.service._REMEMBERED_LISTS", 1)
    service = World(WorldShape(users=2_000)).default_service
    busy = [user.number for user in service.users() if len(service.conversations_of(user.number)) > 50]

    first = [service.conversations_of(user) for user in busy]
    again = [service.conversations_of(user) for user in busy]

    assert len(busy) > 2
    assert first == again
    assert list(service.conversations()) == list(World(WorldShape(users=2_000)).default_service.conversations())


def test_a_list_outlives_the_conversations_in_it() -> None:
    world = World(WorldShape(users=30))
    service, editor = world.default_service, world.edit(world.default_service, actor="test")
    user = next(user for user in service.users() if service.conversations_of(user.number))
    listed = service.conversations_of(user.number)[0]
    conversation = service.find_conversation(listed[0])
    assert conversation is not None

    editor.delete_conversation(conversation)

    assert service.listed_membership(listed, user.number) is None
    assert listed not in service.conversations_of(user.number)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"users": -1}, "users"),
        ({"services": 0}, "services"),
        ({"odd_identities": 2}, "odd_identities"),
        ({"conversations_per_user": -1, "heaviest": -2}, "heaviest"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_with_every_reason(fields: dict[str, int], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        WorldShape(**fields)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_world_of_a_million_users_takes_less_than_200_mb() -> None:
    script = (
        "from pathlib import Path\n"
        "from readstate.simulator.world.world import World\n"
        "from readstate.simulator.seed.world_shape import WorldShape\n"
        "world = World(WorldShape(users=1_000_000, services=2))\n"
        "users = world.default_service.users()\n"
        "rows = [world.default_service.conversations_of(next(users).number) for _ in range(100)]\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.partition('VmHWM:')[2].split()[0]) // 1024)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 200


def test_users_are_shared_out_among_the_services() -> None:
    shape = WorldShape(users=101, services=3)

    sizes = [len(list(islice(service.users(), 1000))) for service in World(shape).services]

    assert sizes == [51, 25, 25]
