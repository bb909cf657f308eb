"""The documented page: its fields are the schema's columns, and Twilio's pages need no lenient reading."""

from pathlib import Path

import pytest

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from readstate.snapshot.extract import decode
from readstate.snapshot.extract.page_types import NESTED, Row
from readstate.snapshot.published.schema import ROWS
from tests.helpers.exporting import Export, assert_same, published_rows, world_rows


def test_every_field_of_a_row_is_a_column_in_the_same_order() -> None:
    columns = [
        f"{name}_{inner}" if inner else name
        for name in Row.__struct_fields__
        for inner in (NESTED[name].__struct_fields__ if name in NESTED else ("",))
    ]

    assert columns == ROWS.names[: ROWS.get_field_index("snapshot_at")]


async def test_every_page_of_the_simulator_is_read_strictly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "read_leniently", None)
    with running(World(WorldShape(users=60, services=2, conversations_per_user=8, odd_identities=0.5))) as twilio:
        manifest = await Export(twilio, tmp_path).run()

        assert manifest.complete
        assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
