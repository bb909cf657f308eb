from typing import Any
from urllib.parse import quote

import pytest

from readstate.simulator.api.expected_rows import Oracle
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture(params=["default service", "named service", "other service"])
def family(request: pytest.FixtureRequest, api: SimulatedApi) -> str:
    default, other = api.world.services
    return {
        "default service": "/v1",
        "named service": f"/v1/Services/{default.sid}",
        "other service": f"/v1/Services/{other.sid}",
    }[request.param]


def _first_row(api: SimulatedApi, family: str) -> dict[str, Any]:
    for user in api.rows(f"{family}/Users"):
        for row in api.rows(f"{family}/Users/{user['sid']}/Conversations"):
            return dict(row)
    raise AssertionError("no user is in a conversation")


def test_urls_stay_in_the_family_that_was_asked(api: SimulatedApi, family: str) -> None:
    row = _first_row(api, family)
    start = f"{api.api.base_url}{family}"

    assert row["url"] == f"{start}/Users/{row['user_sid']}/Conversations/{row['conversation_sid']}"
    assert row["links"]["conversation"] == f"{start}/Conversations/{row['conversation_sid']}"
    assert row["links"]["participant"] == f"{row['links']['conversation']}/Participants/{row['participant_sid']}"


def test_the_list_is_what_the_oracle_says(api: SimulatedApi) -> None:
    oracle = Oracle(api.world, account_sid=api.simulator.credentials.account_sid, base_url=api.api.base_url)
    listed = []
    for service in api.world.services:
        family = "/v1" if service is api.service else f"/v1/Services/{service.sid}"
        for user in api.rows(f"{family}/Users?PageSize=7"):
            listed += api.rows(f"{family}/Users/{user['sid']}/Conversations?PageSize=3")

    assert listed == list(oracle.every_user_conversation())


def test_identities_and_unique_names_address_the_same_row() -> None:
    api = SimulatedApi(WorldShape(users=80, odd_identities=1.0))
    tried = 0
    for user in api.service.users():
        for sid, number in api.service.conversations_of(user.number)[:3]:
            conversation = api.service.conversation(number)
            assert conversation is not None
            by_sid = api.get(f"/v1/Users/{user.sid}/Conversations/{sid}")

            name = quote(user.identity, safe="")
            assert api.get(f"/v1/Users/{name}/Conversations/{sid}") == by_sid
            if conversation.unique_name is not None:
                tried += 1
                unique_name = quote(conversation.unique_name, safe="")
                assert api.get(f"/v1/Users/{name}/Conversations/{unique_name}") == by_sid
    assert tried > 5


def test_deleting_removes_the_participant_and_nothing_else(api: SimulatedApi) -> None:
    row = api.membership()
    participants = f"/v1/Conversations/{row['conversation_sid']}/Participants"
    before = api.rows(participants)

    api.ask("DELETE", row["url"])

    assert [found["sid"] for found in api.rows(participants)] == [
        found["sid"] for found in before if found["sid"] != row["participant_sid"]
    ]
    assert api.get(row["links"]["conversation"])
    assert api.get(f"/v1/Users/{row['user_sid']}")
    assert api.ask("GET", row["links"]["participant"]).status == 404
    assert row["conversation_sid"] not in {
        found["conversation_sid"] for found in api.rows(f"/v1/Users/{row['user_sid']}/Conversations")
    }


def test_a_participant_who_is_added_again_is_another_one_with_no_horizon(api: SimulatedApi) -> None:
    row = api.membership(horizon=True)
    identity = api.get(f"/v1/Users/{row['user_sid']}")["identity"]
    participants = f"/v1/Conversations/{row['conversation_sid']}/Participants"
    api.ask("DELETE", row["url"])

    added = api.ask("POST", participants, Identity=identity)

    now = api.get(row["url"])
    assert added.status == 201
    assert now["participant_sid"] == added.body["sid"] != row["participant_sid"]
    assert now["last_read_message_index"] is None
    assert now["unread_messages_count"] is None
    assert api.get(now["links"]["participant"])["sid"] == added.body["sid"]
    assert api.ask("GET", row["links"]["participant"]).status == 404
    assert api.ask("POST", participants, Identity=identity).code == 50433


def test_both_doors_lead_to_one_horizon(api: SimulatedApi) -> None:
    row = api.membership()

    api.ask("POST", row["links"]["participant"], LastReadMessageIndex="1", LastReadTimestamp="2024-02-03T04:05:06Z")
    seen_here = api.get(row["url"])
    api.ask("POST", row["url"], LastReadMessageIndex="0", LastReadTimestamp="2025-02-03T05:05:06+01:00")
    seen_there = api.get(row["links"]["participant"])

    assert seen_here["last_read_message_index"] == 1
    assert seen_there["last_read_message_index"] == 0
    assert seen_there["last_read_timestamp"] == "2025-02-03T04:05:06Z"
