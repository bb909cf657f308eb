"""The control endpoints: steering and reading a simulator that runs."""

import json
from typing import Any

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.http_connection import MOST_REQUEST_BYTES
from readstate.simulator.world.dump import world_from_lines
from tests.pipeline.simulator.conftest import RawConnection


@pytest.fixture
async def connection(serve) -> RawConnection:
    return (await serve(WorldShape(users=60, services=2)))[1]


async def _row(connection: RawConnection) -> dict[str, Any]:
    rows = (await connection.ask("GET", "/_simulator/rows")).body["rows"]
    return next(
        row for row in rows if row["last_read_message_index"] is not None and row["conversation_state"] == "active"
    )


async def _live(connection: RawConnection, **wish: Any) -> Any:
    return await connection.ask("POST", "/_simulator/live", json.dumps(wish).encode())


@pytest.mark.parametrize(
    ("name", "field", "value", "default"),
    [("faults", "latency_ms", 7.0, 0.0), ("behaviour", "token_form", "sort_key", "json")],
)
async def test_options_are_read_replaced_and_changed(
    connection: RawConnection, name: str, field: str, value: Any, default: Any
) -> None:
    other = {"faults": ("rtt_ms", 1.0), "behaviour": ("empty_update", "accept")}[name]

    before = await connection.ask("GET", f"/_simulator/{name}")
    changed = await connection.ask("PATCH", f"/_simulator/{name}", json.dumps({field: value}).encode())
    both = await connection.ask("PATCH", f"/_simulator/{name}", json.dumps(dict([other])).encode())
    replaced = await connection.ask("PUT", f"/_simulator/{name}", json.dumps(dict([other])).encode())

    assert before.body[field] == default
    assert changed.body[field] == value
    assert (both.body[field], both.body[other[0]]) == (value, other[1])
    assert (replaced.body[field], replaced.body[other[0]]) == (default, other[1])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), 200),
        ((b"Origin: http://127.0.0.1:1",), 200),
        ((b"Origin: http://127.0.0.1:2",), 403),
        ((b"Origin: https://evil.example",), 403),
        ((b"Origin: null",), 403),
        ((b"Host: localhost:1",), 200),
        ((b"Host: evil.example:1",), 403),
        ((b"Host: evil.example:1", b"Origin: http://evil.example:1"), 403),
    ],
)
@pytest.mark.parametrize("target", ["/_simulator/faults", "/_simulator/dump"])
async def test_pages_of_other_origins_are_refused(
    connection: RawConnection, target: str, headers: tuple[bytes, ...], status: int
) -> None:
    connection.send("GET", target, b"", *headers)

    assert (await connection.receive()).status == status


async def test_a_request_that_does_not_end_is_refused_early(connection: RawConnection) -> None:
    connection.send("PATCH", "/_simulator/faults", b" " * 2 * MOST_REQUEST_BYTES)

    assert (await connection.receive()).status == 413


async def test_pages_of_effects_and_numbers_have_a_most(connection: RawConnection) -> None:
    assert (await connection.ask("GET", f"/_simulator/effects?limit={'9' * 15}")).status == 200
    assert (await connection.ask("GET", f"/_simulator/effects?limit={'9' * 5_000}")).status == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"latency": 1}', "did you mean 'latency_ms'"),
        (b"[]", "not a JSON object"),
        (b'{"a":' * 50_000, "not a JSON object"),
    ],
)
async def test_a_wrong_description_is_refused_with_the_reason(
    connection: RawConnection, body: bytes, message: str
) -> None:
    reply = await connection.ask("PATCH", "/_simulator/faults", body)

    assert reply.status == 400
    assert message in reply.body["message"]


async def test_an_unknown_endpoint_names_those_that_exist(connection: RawConnection) -> None:
    reply = await connection.ask("GET", "/_simulator/nothing")

    assert reply.status == 404
    assert "PATCH /_simulator/faults" in reply.body["message"]


async def test_counters_say_who_asked_for_what_and_start_anew(connection: RawConnection) -> None:
    await connection.ask("GET", "/v1/Users/user-0/Conversations")
    await connection.ask("GET", "/v1/Users/nobody/Conversations")

    counters = (await connection.ask("DELETE", "/_simulator/counters")).body

    path = "/v1/Users/{UserSid}/Conversations"
    assert counters["answers"] == [
        {"method": "GET", "path": path, "status": 200, "count": 1},
        {"method": "GET", "path": path, "status": 404, "count": 1},
    ]
    assert counters["requests"] == 2
    assert counters["background"] == {"arrived": 0, "refused": 0}
    assert (await connection.ask("GET", "/_simulator/counters")).body["requests"] == 0


async def test_the_effect_log_tells_every_change_in_order_and_in_pages(connection: RawConnection) -> None:
    row = await _row(connection)
    path = row["url"].partition("/v1")
    target = "/v1" + path[2]
    moved = await connection.ask("POST", target, b"LastReadMessageIndex=0&NotificationLevel=muted")
    await connection.ask("POST", target, b"LastReadMessageIndex=wrong")
    removed = await connection.ask("DELETE", target)

    first = (await connection.ask("GET", "/_simulator/effects?limit=1")).body
    second = (await connection.ask("GET", f"/_simulator/effects?from={first['next']}")).body

    (update,), (removal,) = first["effects"], second["effects"]
    assert (first["total"], second["next"]) == (2, None)
    assert update["kind"] == "participant.updated"
    assert update["actor"] == moved.headers["twilio-request-id"]
    assert update["before"]["last_read_message_index"] == row["last_read_message_index"]
    assert update["after"]["last_read_message_index"] == 0
    assert update["after"]["notification_level"] == "muted"
    assert [update[name] for name in ("chat_service_sid", "user_sid", "conversation_sid", "participant_sid")] == [
        row[name] for name in ("chat_service_sid", "user_sid", "conversation_sid", "participant_sid")
    ]
    assert (removal["kind"], removal["after"]) == ("participant.removed", None)
    assert removal["actor"] == removed.headers["twilio-request-id"]
    assert (await connection.ask("GET", "/_simulator/effects?from=x")).status == 400


async def test_the_rows_of_the_world_come_in_pages_by_service(connection: RawConnection) -> None:
    world = (await connection.ask("GET", "/_simulator/world")).body
    rows = []
    for sid in world["services"]:
        after: str | None = ""
        while after is not None:
            page = (await connection.ask("GET", f"/_simulator/rows?service={sid}&users=7&after={after}")).body
            rows += page["rows"]
            after = page["next"]

    listed = []
    for sid in world["services"]:
        family = "/v1" if sid == world["services"][0] else f"/v1/Services/{sid}"
        for user in (await connection.ask("GET", f"{family}/Users")).body["users"]:
            listed += (await connection.ask("GET", f"{family}/Users/{user['sid']}/Conversations")).body["conversations"]
    assert rows == listed
    assert world["shape"]["users"] == 60
    assert world["credentials"]["account_sid"] == rows[0]["account_sid"]
    assert (await connection.ask("GET", "/_simulator/rows?service=nobody")).status == 400


async def test_other_people_do_what_they_are_told(connection: RawConnection) -> None:
    row = await _row(connection)
    who = {"user": row["user_sid"], "conversation": row["conversation_sid"]}

    moved = await _live(connection, action="move_horizon", last_read_message_index=12, **who)
    cleared = await _live(connection, action="move_horizon", last_read_message_index=None, **who)
    said = await _live(connection, action="add_message", conversation=who["conversation"])
    unsaid = await _live(connection, action="delete_newest_message", conversation=who["conversation"])
    removed = await _live(connection, action="remove_participant", **who)
    added = await _live(connection, action="add_participant", **who)
    closed = await _live(connection, action="close_conversation", conversation=who["conversation"])
    deleted = await _live(connection, action="delete_user", user=who["user"])

    assert moved.body == {"before": row["last_read_message_index"], "after": 12}
    assert cleared.body == {"before": 12, "after": None}
    assert said.body == unsaid.body
    assert removed.body == {"participant_sid": row["participant_sid"]}
    assert added.body["participant_sid"] != row["participant_sid"]
    assert closed.body == {"state": "closed"}
    assert deleted.body == {"user_sid": row["user_sid"]}
    effects = (await connection.ask("GET", "/_simulator/effects")).body["effects"]
    assert [effect["kind"] for effect in effects] == [
        "participant.updated", "participant.updated", "message.added", "message.deleted", "participant.removed",
        "participant.added", "conversation.updated", *["participant.removed"] * (len(effects) - 8), "user.deleted",
    ]  # fmt: skip
    assert {effect["actor"] for effect in effects} == {"live client"}


async def test_other_people_do_nothing_impossible(connection: RawConnection) -> None:
    row = await _row(connection)
    made = (await connection.ask("POST", "/v1/Conversations")).body["sid"]

    assert "there are move_horizon" in (await _live(connection, action="dance")).body["message"]
    assert "needs 'conversation'" in (await _live(connection, action="add_message")).body["message"]
    assert "no such user" in (await _live(connection, action="delete_user", user="nobody")).body["message"]
    assert "no such service" in (await _live(connection, action="delete_user", service="IS", user="x")).body["message"]
    wish = {"action": "remove_participant", "user": row["user_sid"], "conversation": made}
    assert "no such participant" in (await _live(connection, **wish)).body["message"]
    wish = {"action": "move_horizon", "user": row["user_sid"], "conversation": row["conversation_sid"]}
    assert "whole number" in (await _live(connection, last_read_message_index="seven", **wish)).body["message"]
    assert "no message" in (await _live(connection, action="delete_newest_message", conversation=made)).body["message"]


async def test_the_world_can_be_taken_home(connection: RawConnection) -> None:
    row = await _row(connection)
    await _live(connection, action="remove_participant", user=row["user_sid"], conversation=row["conversation_sid"])

    lines = (await connection.ask("GET", "/_simulator/dump")).raw.decode().splitlines()

    service = world_from_lines(lines).default_service
    user = service.find_user(row["user_sid"])
    assert user is not None
    assert row["conversation_sid"] not in dict(service.conversations_of(user.number))
