"""Whatever an account does that is not documented, no row is lost: not even those that move while lists are read."""

from pathlib import Path
from typing import Any

import pytest

from readstate.simulator.api.behaviour import Behaviour, ConversationList, OrderedList
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import serving
from readstate.simulator.world.world import World
from tests.helpers.exporting import Export, published_rows, world_rows

SHAPE = WorldShape(users=120, heaviest=300, conversations_per_user=12)


def _ordered(**order: Any) -> dict[str, Any]:
    return {"users": OrderedList(**order), "user_conversations": ConversationList(**order)}


@pytest.mark.parametrize(
    "behaviour",
    [
        _ordered(order="shuffled"),
        {**_ordered(order="updated", direction="desc"), "token_form": "sort_key", "next_page_url": "relative"},
        {"user_conversations": ConversationList(order="updated", direction="desc", state_first="yes")},
        {
            **_ordered(order="created", direction="desc", largest_page=20),
            "next_page_url": "token_only",
            "compression": "gzip",
            "request_id_header": "absent",
            "concurrent_requests_header": "absent",
        },
    ],
    ids=["shuffled", "newest first", "state, then newest first", "small pages without headers"],
)
async def test_every_row_is_in_the_snapshot(behaviour: dict[str, Any], tmp_path: Path) -> None:
    account = Behaviour(message_moves_date_updated="yes", **behaviour)
    async with serving(World(SHAPE), behaviour=account, faults=Faults(live_list_share=0.3)) as twilio:
        export = Export(twilio, tmp_path)

        manifest = await export.run()

        assert twilio.effects()
        assert manifest.complete
        assert published_rows(Path(export.root)).keys() == world_rows(twilio).keys()
