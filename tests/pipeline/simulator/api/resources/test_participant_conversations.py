from urllib.parse import quote

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi


def test_they_are_the_conversations_of_the_user_with_that_identity() -> None:
    api = SimulatedApi(WorldShape(users=60, services=2, heaviest=60, odd_identities=1))
    for service in api.world.services:
        user = max(service.users(), key=lambda user: len(service.conversations_of(user.number)))
        family = f"/v1/Services/{service.sid}"
        rows = api.rows(f"{family}/Users/{user.sid}/Conversations")

        found = api.rows(f"{family}/ParticipantConversations?Identity={quote(user.identity, safe='')}&PageSize=7")

        assert [(row["conversation_sid"], row["participant_sid"]) for row in found] == [
            (row["conversation_sid"], row["participant_sid"]) for row in rows
        ]
        assert {(row["participant_identity"], row["participant_user_sid"]) for row in found} == {
            (user.identity, user.sid)
        }
        assert [api.get(row["links"]["conversation"])["sid"] for row in found[:3]] == [
            row["conversation_sid"] for row in found[:3]
        ]


@pytest.mark.parametrize(("query", "status"), [("", 400), ("?Identity=a&Address=b", 400), ("?Address=%2B4930", 200)])
def test_one_of_identity_and_address_is_needed(api: SimulatedApi, query: str, status: int) -> None:
    reply = api.ask("GET", f"/v1/ParticipantConversations{query}")

    assert reply.status == status
    assert reply.body.get("conversations", []) == []


def test_a_user_is_not_found_by_sid(api: SimulatedApi) -> None:
    sid = next(api.service.users()).sid

    assert api.get(f"/v1/ParticipantConversations?Identity={sid}")["conversations"] == []
