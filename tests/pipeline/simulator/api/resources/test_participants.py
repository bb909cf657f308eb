"""Participants are added, changed and removed."""

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture
def desk() -> SimulatedApi:
    return SimulatedApi()


def test_participants_are_added_with_a_user_when_there_is_none(desk: SimulatedApi) -> None:
    conversation = desk.membership()["links"]["conversation"]

    added = desk.ask("POST", f"{conversation}/Participants", Identity="somebody new", Attributes='{"a": 1}')

    assert added.status == 201
    assert added.body["attributes"] == '{"a": 1}'
    assert desk.get("/v1/Users/somebody%20new")["identity"] == "somebody new"
    assert desk.get(f"{conversation}/Participants/somebody%20new") == added.body
    assert desk.ask("POST", f"{conversation}/Participants").status == 400


def test_a_participant_takes_attributes_alone(desk: SimulatedApi) -> None:
    link = desk.membership()["links"]["participant"]

    changed = desk.ask("POST", link, Attributes='{"b": 2}')

    assert changed.body["attributes"] == '{"b": 2}'
    assert desk.ask("POST", link).code == 20161
    assert desk.ask("DELETE", link).status == 204
    assert desk.ask("DELETE", link).status == 404


def test_nobody_is_in_more_than_a_thousand_live_conversations() -> None:
    desk = SimulatedApi(WorldShape(users=2_000, heaviest=1_500))
    busy = next(user for user in desk.service.users() if len(desk.service.conversations_of(user.number)) == 1_500)
    conversation = next(
        found
        for found in desk.service.conversations()
        if busy.number not in {member.user for member in desk.service.participants(found)}
    )

    assert desk.ask("POST", f"/v1/Conversations/{conversation.sid}/Participants", Identity=busy.sid).code == 50214
