from collections import Counter
from pathlib import Path
from typing import Any

from tests.helpers.planning import csv_of, make_plan, update
from tests.helpers.simulated_api import SimulatedApi


async def test_every_line_of_the_file_is_a_row_of_the_plan(simulated: SimulatedApi, tmp_path: Path) -> None:
    row = simulated.membership()
    text = csv_of(
        update(row, notification_level="muted"),
        update(row, notification_level="loud"),
        {"user": "..", "conversation": "x", "notification_level": "muted"},
        update(row, notification_level="muted"),
    )

    planned = await make_plan(simulated, text, tmp_path)

    assert [row.input_line for row in planned.rows] == [2, 3, 4, 5]
    assert planned.reasons[1:] == ["REJECTED", "REJECTED", "DUPLICATE"]
    assert [row.plan_row_id for row in planned.rows] == [0, 1, 2, 3]
    assert planned.rows[1].reason_detail == "E-LEVEL"


async def test_what_the_line_carries_arrives_in_the_row(simulated: SimulatedApi, tmp_path: Path) -> None:
    row = simulated.membership(horizon=True)
    cells = {
        "last_read_timestamp": "2026-11-01T01:00:00+01:00",
        "expect_last_read_message_index": row["last_read_message_index"],
        "row_key": "k1",
        "note": "because",
    }

    planned = await make_plan(simulated, csv_of(update(row, **cells)), tmp_path, allow_rewind=True)

    found = planned.rows[0]
    assert (found.row_key, found.note) == ("k1", "because")
    assert found.set_timestamp.isoformat() == "2026-11-01T00:00:00+00:00"
    assert found.user_expect_json == f'{{"last_read_message_index": {row["last_read_message_index"]}}}'
    assert (found.fields_mask, found.pre_kind) == (2, "equals")


async def test_order_of_lines_changes_nothing_but_the_numbers_of_lines(simulated: SimulatedApi, tmp_path: Path) -> None:
    lines = [
        update(row, last_read_message_index="@latest")
        for user in simulated.users_with(1, 20)[:20]
        for row in simulated.rows_of(user.sid)
    ]

    def decided(planned: Any) -> Counter[Any]:
        return Counter((row.user_sid, row.conversation_sid, row.disposition, row.set_index) for row in planned.rows)

    there = await make_plan(simulated, csv_of(*lines), tmp_path)
    back = await make_plan(simulated, csv_of(*reversed(lines)), tmp_path)

    assert decided(there) == decided(back)
    assert there.plan.manifest.counts == back.plan.manifest.counts


async def test_another_service_is_planned_in_its_own_paths(simulated: SimulatedApi, tmp_path: Path) -> None:
    other = simulated.world.services[1]
    user = next(user for user in other.users() if other.conversations_of(user.number))
    row = simulated.rows(f"/v1/Services/{other.sid}/Users/{user.sid}/Conversations")[0]

    planned = await make_plan(simulated, csv_of(update(row, notification_level="muted")), tmp_path, service=other.sid)

    assert planned.plan.manifest.service_sid == other.sid
    assert planned.rows[0].user_sid == user.sid
