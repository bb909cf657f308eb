"""The user conversation operations, in both families."""

from typing import Any
from urllib.parse import quote

import pytest

from readstate.simulator.api.expected_rows import Oracle
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi

FIELDS = [
    "account_sid", "chat_service_sid", "conversation_sid", "unread_messages_count", "last_read_message_index",
    "participant_sid", "user_sid", "friendly_name", "conversation_state", "timers", "attributes", "date_created",
    "date_updated", "created_by", "notification_level", "unique_name", "url", "links",
]  # fmt: skip


@pytest.fixture
def desk() -> SimulatedApi:
    return SimulatedApi(now=1_700_000_000)


@pytest.fixture(params=["default service", "named service", "other service"])
def family(request: pytest.FixtureRequest, desk: SimulatedApi) -> str:
    default, other = desk.world.services
    return {
        "default service": "/v1",
        "named service": f"/v1/Services/{default.sid}",
        "other service": f"/v1/Services/{other.sid}",
    }[request.param]


def _first_row(desk: SimulatedApi, family: str) -> dict[str, Any]:
    for user in desk.rows(f"{family}/Users"):
        for row in desk.rows(f"{family}/Users/{user['sid']}/Conversations"):
            return dict(row)
    raise AssertionError("nobody is in a conversation")


def test_list_fetch_update_and_delete_work(desk: SimulatedApi, family: str) -> None:
    row = _first_row(desk, family)
    path = f"{family}/Users/{row['user_sid']}/Conversations/{row['conversation_sid']}"

    fetched = desk.get(path)
    updated = desk.ask("POST", path, LastReadMessageIndex="2", NotificationLevel="muted")
    deleted = desk.ask("DELETE", path)
    again = desk.ask("DELETE", path)

    assert list(row) == FIELDS
    assert fetched == row
    assert updated.status == 200
    assert {name for name in FIELDS if updated.body[name] != row[name]} <= {
        "last_read_message_index", "unread_messages_count", "notification_level",
    }  # fmt: skip
    assert (updated.body["last_read_message_index"], updated.body["notification_level"]) == (2, "muted")
    assert (deleted.status, deleted.body) == (204, None)
    assert (again.status, again.code) == (404, 20404)


def test_urls_stay_in_the_family_that_was_asked(desk: SimulatedApi, family: str) -> None:
    row = _first_row(desk, family)
    start = f"{desk.api.base_url}{family}"

    assert row["url"] == f"{start}/Users/{row['user_sid']}/Conversations/{row['conversation_sid']}"
    assert row["links"]["conversation"] == f"{start}/Conversations/{row['conversation_sid']}"
    assert row["links"]["participant"] == f"{row['links']['conversation']}/Participants/{row['participant_sid']}"


def test_the_list_is_what_the_oracle_says(desk: SimulatedApi) -> None:
    oracle = Oracle(desk.world, account_sid=desk.simulator.credentials.account_sid, base_url=desk.api.base_url)
    listed = []
    for service in desk.world.services:
        family = "/v1" if service is desk.service else f"/v1/Services/{service.sid}"
        for user in desk.rows(f"{family}/Users?PageSize=7"):
            listed += desk.rows(f"{family}/Users/{user['sid']}/Conversations?PageSize=3")

    assert listed == list(oracle.every_user_conversation())


def test_identities_and_unique_names_address_the_same_row() -> None:
    desk = SimulatedApi(WorldShape(users=80, odd_identities=1.0))
    tried = 0
    for user in desk.service.users():
        for sid, number in desk.service.conversations_of(user.number)[:3]:
            conversation = desk.service.conversation(number)
            assert conversation is not None
            by_sid = desk.get(f"/v1/Users/{user.sid}/Conversations/{sid}")

            name = quote(user.identity, safe="")
            assert desk.get(f"/v1/Users/{name}/Conversations/{sid}") == by_sid
            if conversation.unique_name is not None:
                tried += 1
                unique_name = quote(conversation.unique_name, safe="")
                assert desk.get(f"/v1/Users/{name}/Conversations/{unique_name}") == by_sid
    assert tried > 5


def test_deleting_removes_the_participant_and_nothing_else(desk: SimulatedApi) -> None:
    row = desk.membership()
    participants = f"/v1/Conversations/{row['conversation_sid']}/Participants"
    before = desk.rows(participants)

    desk.ask("DELETE", row["url"])

    assert [found["sid"] for found in desk.rows(participants)] == [
        found["sid"] for found in before if found["sid"] != row["participant_sid"]
    ]
    assert desk.get(row["links"]["conversation"])
    assert desk.get(f"/v1/Users/{row['user_sid']}")
    assert desk.ask("GET", row["links"]["participant"]).status == 404
    assert row["conversation_sid"] not in {
        found["conversation_sid"] for found in desk.rows(f"/v1/Users/{row['user_sid']}/Conversations")
    }


def test_a_participant_who_is_added_again_is_another_one_with_no_horizon(desk: SimulatedApi) -> None:
    row = desk.membership(horizon=True)
    identity = desk.get(f"/v1/Users/{row['user_sid']}")["identity"]
    participants = f"/v1/Conversations/{row['conversation_sid']}/Participants"
    desk.ask("DELETE", row["url"])

    added = desk.ask("POST", participants, Identity=identity)

    now = desk.get(row["url"])
    assert added.status == 201
    assert now["participant_sid"] == added.body["sid"] != row["participant_sid"]
    assert now["last_read_message_index"] is None
    assert now["unread_messages_count"] is None
    assert desk.get(now["links"]["participant"])["sid"] == added.body["sid"]
    assert desk.ask("GET", row["links"]["participant"]).status == 404
    assert desk.ask("POST", participants, Identity=identity).code == 50433


def test_both_doors_lead_to_one_horizon(desk: SimulatedApi) -> None:
    row = desk.membership()

    desk.ask("POST", row["links"]["participant"], LastReadMessageIndex="1", LastReadTimestamp="2024-02-03T04:05:06Z")
    seen_here = desk.get(row["url"])
    desk.ask("POST", row["url"], LastReadMessageIndex="0", LastReadTimestamp="2025-02-03T05:05:06+01:00")
    seen_there = desk.get(row["links"]["participant"])

    assert seen_here["last_read_message_index"] == 1
    assert seen_there["last_read_message_index"] == 0
    assert seen_there["last_read_timestamp"] == "2025-02-03T04:05:06Z"
