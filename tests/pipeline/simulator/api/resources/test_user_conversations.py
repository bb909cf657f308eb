"""The eight user conversation operations, in both families."""

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


def test_unread_is_null_without_a_horizon_and_counts_messages_with_one(desk: SimulatedApi) -> None:
    never = desk.membership(horizon=False)
    messages = desk.rows(f"{never['links']['conversation']}/Messages")
    horizon = messages[len(messages) // 2]["index"]

    read = desk.ask("POST", never["url"], LastReadMessageIndex=str(horizon)).body

    assert never["unread_messages_count"] is None
    assert read["unread_messages_count"] == len([found for found in messages if found["index"] > horizon])


def test_unread_is_never_more_than_a_thousand() -> None:
    desk = SimulatedApi(WorldShape(users=300))
    conversation = next(found for found in desk.service.conversations() if found.messages.count_after(-1) > 1_000)
    participant = desk.service.participants(conversation)[0]
    user = desk.service.user(participant.user)
    assert user is not None

    row = desk.ask("POST", f"/v1/Users/{user.sid}/Conversations/{conversation.sid}", LastReadMessageIndex="0").body

    assert row["unread_messages_count"] == 1_000


def test_a_new_message_is_unread_and_wakes_an_inactive_conversation(desk: SimulatedApi) -> None:
    row = desk.membership(state="inactive")
    newest = desk.get(f"{row['links']['conversation']}/Messages?Order=desc&PageSize=1")["messages"][0]["index"]
    desk.ask("POST", row["url"], LastReadMessageIndex=str(newest))

    said = desk.ask("POST", f"{row['links']['conversation']}/Messages", Author="anna", Body="hello")

    now = desk.get(row["url"])
    assert said.status == 201
    assert (said.body["author"], said.body["body"]) == ("anna", "hello")
    assert desk.get(said.body["url"]) == said.body
    assert now["unread_messages_count"] == 1
    assert now["conversation_state"] == "active"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20161),
        ({"last_read_message_index": "3"}, 20161),
        ({"NotificationLevel": "loud"}, 50210),
        ({"LastReadMessageIndex": "three"}, 50421),
        ({"LastReadMessageIndex": "-1"}, 50421),
        ({"LastReadMessageIndex": "1.0"}, 50421),
        ({"LastReadTimestamp": "yesterday"}, 50405),
        ({"LastReadTimestamp": "2024-02-03"}, 50405),
    ],
)
def test_a_wrong_form_is_refused_and_changes_nothing(desk: SimulatedApi, form: dict[str, str], code: int) -> None:
    row = desk.membership()

    reply = desk.ask("POST", row["url"], **form)

    assert (reply.status, reply.code) == (400, code)
    assert desk.get(row["url"]) == row
    assert desk.world.log.effects == []


@pytest.mark.parametrize("text", ["null", ""])
def test_null_and_nothing_clear_the_horizon(desk: SimulatedApi, text: str) -> None:
    row = desk.membership(horizon=True)

    cleared = desk.ask("POST", row["url"], LastReadMessageIndex=text).body

    assert cleared["last_read_message_index"] is None
    assert cleared["unread_messages_count"] is None
    assert desk.get(row["links"]["participant"])["last_read_timestamp"] is None


def test_an_index_alone_sets_the_time_to_now_and_a_time_alone_moves_no_index(desk: SimulatedApi) -> None:
    row = desk.membership(horizon=True)

    desk.ask("POST", row["url"], LastReadMessageIndex="1")
    by_index = desk.get(row["links"]["participant"])
    desk.ask("POST", row["url"], LastReadTimestamp="2024-02-03T04:05:06")
    by_time = desk.get(row["links"]["participant"])

    assert by_index["last_read_timestamp"] == "2023-11-14T22:13:20Z"
    assert by_time["last_read_timestamp"] == "2024-02-03T04:05:06Z"
    assert by_time["last_read_message_index"] == 1


def test_the_notification_level_alone_moves_nothing_else(desk: SimulatedApi) -> None:
    row = desk.membership(horizon=True)
    level = "default" if row["notification_level"] == "muted" else "muted"

    changed = desk.ask("POST", row["url"], NotificationLevel=level).body

    assert changed == {**row, "notification_level": level}


def test_backwards_and_beyond_the_newest_are_accepted(desk: SimulatedApi) -> None:
    row = desk.membership()

    beyond = desk.ask("POST", row["url"], LastReadMessageIndex="999999").body
    back = desk.ask("POST", row["url"], LastReadMessageIndex="0").body

    assert (beyond["last_read_message_index"], beyond["unread_messages_count"]) == (999_999, 0)
    assert back["last_read_message_index"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/v1/Users/nobody/Conversations",
        "/v1/Users/nobody/Conversations/CH" + "0" * 32,
        "/v1/Users/user-0/Conversations/CH" + "0" * 32,
        "/v1/Services/IS" + "0" * 32 + "/Users",
        "/v1/Nothing",
        "/v2/Users",
        "/",
        "/v1/Users/",
        "/v1/Users/user-0/Conversations/",
        "/v1/Users/user-0/Conversations/CH/Participants",
    ],
)
def test_what_does_not_exist_is_404_and_names_the_path(desk: SimulatedApi, path: str) -> None:
    reply = desk.ask("GET", path)

    assert (reply.status, reply.code) == (404, 20404)
    assert reply.body["message"] == f"The requested resource {path} was not found"
    assert list(reply.body) == ["code", "message", "more_info", "status"]


def test_a_user_who_is_not_a_member_is_404(desk: SimulatedApi) -> None:
    row = desk.membership()
    members = {found["identity"] for found in desk.rows(f"{row['links']['conversation']}/Participants")}
    stranger = next(user for user in desk.service.users() if user.identity not in members)

    assert desk.ask("GET", f"/v1/Users/{stranger.sid}/Conversations/{row['conversation_sid']}").status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_the_path_does_not_know_is_405(desk: SimulatedApi, method: str) -> None:
    assert desk.ask(method, "/v1/Users/user-0/Conversations").code == 20004


def test_dots_in_a_path_are_walked_but_encoded_dots_are_a_name(desk: SimulatedApi) -> None:
    dots = desk.service.find_user("..")
    assert dots is not None

    assert desk.get("/v1/Users/../Users")["meta"]["key"] == "users"
    assert desk.get("/v1/./Users")["meta"]["key"] == "users"
    assert desk.get("/v1/Users/%2E%2E")["sid"] == dots.sid
    assert desk.ask("GET", "/..").status == 404
