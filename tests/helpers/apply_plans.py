"""Plans to apply against a simulated world, and what others do to it meanwhile."""

from typing import Any

from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.apply_bench import Bench, line, rows_of
from tests.helpers.planning import csv_of, make_plan

SHAPE = WorldShape(users=60, services=2, heaviest=40)


async def plan_of(bench: Bench, *lines: dict[str, Any], **options: Any) -> Any:
    planned = await make_plan(bench.simulated, csv_of(*lines), bench.folder, operation=None, **options)
    return planned.plan


def muting(rows: list[Any]) -> list[dict[str, Any]]:
    return [line(row, op="update", notification_level="muted") for row in rows]


def advancing(rows: list[Any]) -> list[dict[str, Any]]:
    """Lines that ask to read one message further."""
    return [line(row, op="update", last_read_message_index=row["last_read_message_index"] + 1) for row in rows]


def unmuted(bench: Bench, count: int) -> list[Any]:
    return rows_of(bench.simulated, having=lambda row: row["notification_level"] == "default")[:count]


def behind(bench: Bench, count: int) -> list[Any]:
    """Rows whose horizon can go further than it is, by more than one."""
    return rows_of(
        bench.simulated,
        having=lambda row: row["last_read_message_index"] is not None and (row["unread_messages_count"] or 0) > 2,
    )[:count]


def move(bench: Bench, row: Any, **form: str) -> None:
    path = f"/v1/Users/{row['user_sid']}/Conversations/{row['conversation_sid']}"
    assert bench.simulated.ask("POST", path, **form).status == 200


def leave(bench: Bench, row: Any) -> None:
    path = f"/v1/Users/{row['user_sid']}/Conversations/{row['conversation_sid']}"
    assert bench.simulated.ask("DELETE", path).status == 204
