"""A witness that we did not write: the official client reads and changes the simulated account."""

from datetime import UTC, datetime
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:twilio")
SHAPE = WorldShape(users=80, services=2, heaviest=120, odd_identities=0)


def _client(simulator: RunningSimulator, **http: Any) -> Client:
    client = Client(simulator.credentials.account_sid, simulator.credentials.auth_token, **http)
    client.conversations.base_url = simulator.base_url
    return client


def _families(simulator: RunningSimulator, client: Client) -> list[tuple[Any, Any]]:
    default, other = simulator.world.services
    conversations = client.conversations.v1
    return [
        (default, conversations),
        (default, conversations.services(default.sid)),
        (other, conversations.services(other.sid)),
    ]


def _expected(simulator: RunningSimulator, service: Any, user: Any) -> list[tuple[Any, ...]]:
    return [
        (
            row["conversation_sid"], row["participant_sid"], row["last_read_message_index"],
            row["unread_messages_count"], row["friendly_name"], row["attributes"], row["date_created"],
        )
        for row in simulator.oracle.user_conversations(service, user)
    ]  # fmt: skip


def _told(row: Any) -> tuple[Any, ...]:
    assert isinstance(row.date_created, datetime)
    return (
        row.conversation_sid, row.participant_sid, row.last_read_message_index, row.unread_messages_count,
        row.friendly_name, row.attributes, row.date_created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )  # fmt: skip


def test_it_lists_fetches_updates_and_deletes_in_both_families() -> None:
    with running(World(SHAPE)) as simulator:
        client = _client(simulator)
        assert {service.sid for service in client.conversations.v1.services.list()} == {
            service.sid for service in simulator.world.services
        }
        configuration = client.conversations.v1.configuration().fetch()
        assert configuration.default_chat_service_sid == simulator.world.default_service.sid
        for service, family in _families(simulator, client):
            users = family.users.list(page_size=7)
            assert [user.sid for user in users] == [user.sid for user in service.users()]
            busiest = max(service.users(), key=lambda user: len(service.conversations_of(user.number)))
            of_user = family.users(busiest.sid).user_conversations

            rows = of_user.list(page_size=13)

            assert [_told(row) for row in rows] == _expected(simulator, service, busiest)
            _change_and_delete(of_user, rows[0])
            assert rows[0].conversation_sid not in {row.conversation_sid for row in of_user.list()}


def _change_and_delete(of_user: Any, row: Any) -> None:
    one = of_user(row.conversation_sid)
    updated = one.update(
        last_read_message_index=3,
        last_read_timestamp=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
        notification_level="muted",
    )
    fetched = one.fetch()
    assert (updated.last_read_message_index, updated.notification_level) == (3, "muted")
    assert _told(fetched) == _told(updated)
    assert one.delete() is True
    with pytest.raises(TwilioRestException) as caught:
        one.fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_it_sees_participants_and_the_newest_message() -> None:
    with running(World(SHAPE)) as simulator:
        service = simulator.world.default_service
        conversation = next(found for found in service.conversations() if found.messages.newest() is not None)
        one = _client(simulator).conversations.v1.conversations(conversation.sid)

        newest = one.messages.list(order="desc", page_size=1, limit=1)
        participants = one.participants.list()
        named = one.participants(participants[0].identity).fetch()
        one.participants(participants[0].sid).update(last_read_message_index=1)

        assert newest[0].index == conversation.messages.newest()
        assert [found.sid for found in participants] == [found.sid for found in service.participants(conversation)]
        assert named.sid == participants[0].sid
        assert one.participants(participants[0].sid).fetch().last_read_message_index == 1


def test_it_is_told_what_is_wrong() -> None:
    with running(World(SHAPE)) as simulator:
        stranger = Client("AC" + "0" * 32, "wrong")
        stranger.conversations.base_url = simulator.base_url
        user = _client(simulator).conversations.v1.users("user-0").user_conversations
        listed = simulator.world.default_service.conversations_of(0)

        with pytest.raises(TwilioRestException) as nobody:
            stranger.conversations.v1.users("user-0").fetch()
        with pytest.raises(TwilioRestException) as empty:
            user(listed[0][0]).update()

        assert (nobody.value.status, nobody.value.code) == (401, 20003)
        assert (empty.value.status, empty.value.code) == (400, 20161)


def test_it_finds_conversations_by_identity_and_manages_services() -> None:
    with running(World(SHAPE)) as simulator:
        conversations = _client(simulator).conversations.v1
        service = simulator.world.default_service
        user = max(service.users(), key=lambda user: len(service.conversations_of(user.number)))

        found = conversations.participant_conversations.list(identity=user.identity, page_size=13)
        made = conversations.services.create(friendly_name="Extra")
        configuration = conversations.services(made.sid).configuration().fetch()

        assert [row.conversation_sid for row in found] == [sid for sid, _ in service.conversations_of(user.number)]
        assert all(isinstance(row.conversation_date_created, datetime) and row.links for row in found)
        assert configuration.chat_service_sid == made.sid
        assert configuration.default_chat_service_role_sid.startswith("RL")
        assert conversations.services(made.sid).delete() is True


async def test_its_asynchronous_half_lists_fetches_updates_and_deletes() -> None:
    with running(World(SHAPE)) as simulator:
        async with AsyncTwilioHttpClient() as http:
            client = _client(simulator, http_client=http)
            for service, family in _families(simulator, client):
                user = max(service.users(), key=lambda user: len(service.conversations_of(user.number)))
                of_user = family.users(user.sid).user_conversations

                rows = await of_user.list_async(page_size=13)
                one = of_user(rows[0].conversation_sid)
                updated = await one.update_async(last_read_message_index=3, notification_level="muted")

                assert [row.conversation_sid for row in rows] == [
                    sid for sid, _ in service.conversations_of(user.number)
                ]
                assert _told(await one.fetch_async()) == _told(updated)
                assert await one.delete_async() is True
