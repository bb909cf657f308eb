"""Update forms, read horizons and what they leave unread."""

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi


def test_unread_is_null_without_a_horizon_and_counts_messages_with_one(api: SimulatedApi) -> None:
    never = api.membership(horizon=False)
    messages = api.rows(f"{never['links']['conversation']}/Messages")
    horizon = messages[len(messages) // 2]["index"]

    read = api.ask("POST", never["url"], LastReadMessageIndex=str(horizon)).body

    assert never["unread_messages_count"] is None
    assert read["unread_messages_count"] == len([found for found in messages if found["index"] > horizon])


@pytest.mark.parametrize("own_messages", ["counted", "not_counted"])
def test_unread_is_never_more_than_a_thousand(own_messages: str) -> None:
    api = SimulatedApi(WorldShape(users=300), own_messages=own_messages)
    conversation = next(
        found
        for found in api.service.conversations()
        if found.messages.count_after(-1) > 2_000 and len(api.service.participants(found)) > 2
    )
    participant = api.service.participants(conversation)[0]
    user = api.service.user(participant.user)
    assert user is not None

    row = api.ask("POST", f"/v1/Users/{user.sid}/Conversations/{conversation.sid}", LastReadMessageIndex="0").body

    assert row["unread_messages_count"] == 1_000


def test_a_new_message_is_unread_and_wakes_an_inactive_conversation(api: SimulatedApi) -> None:
    row = api.membership(state="inactive")
    newest = api.get(f"{row['links']['conversation']}/Messages?Order=desc&PageSize=1")["messages"][0]["index"]
    api.ask("POST", row["url"], LastReadMessageIndex=str(newest))

    said = api.ask("POST", f"{row['links']['conversation']}/Messages", Author="anna", Body="hello")

    now = api.get(row["url"])
    assert said.status == 201
    assert (said.body["author"], said.body["body"]) == ("anna", "hello")
    assert api.get(said.body["url"]) == said.body
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
def test_a_wrong_form_is_refused_and_changes_nothing(api: SimulatedApi, form: dict[str, str], code: int) -> None:
    row = api.membership()

    reply = api.ask("POST", row["url"], **form)

    assert (reply.status, reply.code) == (400, code)
    assert api.get(row["url"]) == row
    assert api.world.log.effects == []


def test_an_empty_index_is_ignored(api: SimulatedApi) -> None:
    row = api.membership(horizon=True)

    alone = api.ask("POST", row["url"], LastReadMessageIndex="")
    with_another = api.ask("POST", row["url"], LastReadMessageIndex="", NotificationLevel="muted")

    assert (alone.status, alone.body) == (200, row)
    assert with_another.body == {**row, "notification_level": "muted"}
    assert len(api.world.log.effects) == 1


@pytest.mark.parametrize("text", ["null", ""])
def test_null_and_nothing_may_clear_the_horizon(text: str) -> None:
    api = SimulatedApi(empty_index="clear")
    row = api.membership(horizon=True)

    cleared = api.ask("POST", row["url"], LastReadMessageIndex=text).body

    assert cleared["last_read_message_index"] is None
    assert cleared["unread_messages_count"] is None
    assert api.get(row["links"]["participant"])["last_read_timestamp"] is None


def test_an_index_alone_sets_the_time_to_now_and_a_time_alone_moves_no_index(api: SimulatedApi) -> None:
    row = api.membership(horizon=True)

    api.ask("POST", row["url"], LastReadMessageIndex="1")
    by_index = api.get(row["links"]["participant"])
    api.ask("POST", row["url"], LastReadTimestamp="2024-02-03T04:05:06")
    by_time = api.get(row["links"]["participant"])

    assert by_index["last_read_timestamp"] == "2023-11-14T22:13:20Z"
    assert by_time["last_read_timestamp"] == "2024-02-03T04:05:06Z"
    assert by_time["last_read_message_index"] == 1


def test_the_notification_level_alone_moves_nothing_else(api: SimulatedApi) -> None:
    row = api.membership(horizon=True)
    level = "default" if row["notification_level"] == "muted" else "muted"

    changed = api.ask("POST", row["url"], NotificationLevel=level).body

    assert changed == {**row, "notification_level": level}


def test_backwards_and_beyond_the_newest_are_accepted(api: SimulatedApi) -> None:
    row = api.membership()

    beyond = api.ask("POST", row["url"], LastReadMessageIndex="999999").body
    back = api.ask("POST", row["url"], LastReadMessageIndex="0").body

    assert (beyond["last_read_message_index"], beyond["unread_messages_count"]) == (999_999, 0)
    assert back["last_read_message_index"] == 0
