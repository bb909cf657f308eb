import pytest

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.world import World


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
    assert beyond, "no user has a horizon beyond the newest message"


def test_every_user_is_found_by_sid_and_by_name() -> None:
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


def test_asking_is_the_same_whatever_was_asked_before() -> None:
    shape = WorldShape(users=300)
    fresh, used = World(shape).default_service, World(shape).default_service
    for conversation in used.conversations():
        used.participants(conversation)

    last = list(used.users())[-1]

    assert fresh.conversations_of(last.number) == used.conversations_of(last.number)


def test_what_is_forgotten_comes_back_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readstate.simulator.world.service.MAX_CACHED_CONVERSATIONS", 3)
    monkeypatch.setattr("readstate.simulator.world.service.MAX_CACHED_LISTS", 1)
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
