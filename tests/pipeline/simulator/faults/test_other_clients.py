import asyncio
from typing import Any

from readstate.simulator.api.behaviour import ConversationList, OrderedList
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi

SHAPE = WorldShape(users=60, heaviest=60)


async def test_a_live_client_moves_horizons_forward_meanwhile(serve) -> None:
    simulator, connection = await serve(faults=Faults(live_moves_per_second=500))
    while len(simulator.effects()) < 20:
        await asyncio.sleep(0.001)
    simulator.faults = Faults()
    count = len(simulator.effects())
    await connection.ask("GET", "/v1/Users")

    assert {effect.actor for effect in simulator.effects()} == {"live client"}
    for effect in simulator.effects():
        before, after = (_index(fields) for fields in (effect.before, effect.after))
        assert after is not None
        assert before is None or before < after
    assert len(simulator.effects()) == count


def _index(fields: Any) -> int | None:
    return fields["last_read_message_index"]


def test_another_client_may_read_on_right_after_our_read() -> None:
    api = SimulatedApi(SHAPE)
    row = api.membership(horizon=False)
    api.faults(live_after_fetch_share=1)

    seen, then = api.get(row["url"]), api.get(row["url"])

    assert seen["last_read_message_index"] is None
    assert then["last_read_message_index"] is not None
    assert len(api.world.log.effects) == 1


def test_a_member_may_leave_right_before_our_write() -> None:
    api = SimulatedApi(SHAPE)
    row = api.membership()
    api.faults(live_removal_share=1)

    assert api.ask("POST", row["url"], LastReadMessageIndex="0").status == 404
    assert [(effect.kind, effect.actor) for effect in api.world.log.effects] == [("participant.removed", "live client")]


def test_a_message_may_arrive_right_after_the_lookup() -> None:
    api = SimulatedApi(SHAPE)
    newest = f"{api.membership()['links']['conversation']}/Messages?Order=desc&PageSize=1"
    api.faults(live_message_share=1)

    first, second = (api.get(newest)["messages"][0]["index"] for _ in range(2))

    assert second > first


def test_a_live_client_in_an_empty_world_does_nothing() -> None:
    for shape in (WorldShape(users=0), WorldShape(users=30, conversations_per_user=0), WorldShape(users=1, services=3)):
        api = SimulatedApi(shape)
        others = api.simulator.api.other_clients
        for act in (others.move_somewhere, others.write_somewhere, others.rename_somebody):
            act()

        assert {effect.kind for effect in api.world.log.effects} <= {
            "participant.updated", "message.added", "user.updated",
        }  # fmt: skip


def test_live_clients_update_rows_of_pages_that_are_still_to_be_read() -> None:
    recent = ConversationList(order="updated", direction="desc")
    api = SimulatedApi(
        SHAPE,
        users=OrderedList(order="updated", direction="desc"),
        participants=OrderedList(order="updated", direction="desc"),
        user_conversations=recent,
        conversations=recent,
        message_moves_date_updated="yes",
    )
    crowd = max(api.service.conversations(), key=lambda found: len(api.service.participants(found)))
    lists = [
        "/v1/Users",
        "/v1/Conversations",
        f"/v1/Users/{api.user_with(60)}/Conversations",
        f"/v1/Conversations/{crowd.sid}/Participants",
    ]
    for path in lists:
        everything = {row.get("sid") or row["conversation_sid"] for row in api.rows(f"{path}?PageSize=5")}
        api.faults(live_list_share=1)
        seen = {row.get("sid") or row["conversation_sid"] for row in api.rows(f"{path}?PageSize=5")}
        api.faults()

        assert seen < everything


async def test_live_clients_write_and_rename_meanwhile(serve) -> None:
    simulator, _ = await serve(faults=Faults(live_messages_per_second=500, live_user_updates_per_second=500))
    while len({effect.kind for effect in simulator.effects()}) < 2:
        await asyncio.sleep(0.001)

    assert {effect.kind for effect in simulator.effects()} == {"message.added", "user.updated"}
