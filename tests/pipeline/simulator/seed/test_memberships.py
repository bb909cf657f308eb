from collections import Counter

import pytest

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
