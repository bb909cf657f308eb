"""Lines for measuring an apply: each mutes another membership of a world that any simulator of the same shape has."""

import csv
from pathlib import Path

from readstate.simulator.api.expected_rows import Oracle
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.world import World

SHAPE = WorldShape(users=8_000, services=1, odd_identities=0.0)


def write(path: Path, rows: int) -> None:
    """Write *rows* lines to *path*, one for each user as far as there are users."""
    world = World(SHAPE)
    oracle = Oracle(world, account_sid="AC" + "0" * 32, base_url="http://127.0.0.1")
    lines: list[tuple[str, str]] = []
    for service, user in world.users():
        for row in oracle.user_conversations(service, user):
            if row["notification_level"] == "default" and row["conversation_state"] != "closed":
                lines.append((row["user_sid"], row["conversation_sid"]))
                break
        if len(lines) == rows:
            break
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("user", "conversation", "op", "notification_level"))
        writer.writerows((*line, "update", "muted") for line in lines)
