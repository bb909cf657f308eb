"""Planning over sockets while the network misbehaves and people read on: the plan is what the world holds."""

from pathlib import Path

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from tests.helpers.cli_shell import Shell

FAULTS = Faults(
    error_share=0.03, concurrency_cap=20, reset_before_share=0.01, reset_after_share=0.01, shift_row_share=0.05,
    repeat_row_share=0.05,
)  # fmt: skip


def test_a_plan_made_in_bad_weather_equals_the_world(tmp_path: Path) -> None:
    with running(World(WorldShape(users=150, services=1, heaviest=120)), faults=FAULTS) as twilio:
        world = {(row["user_sid"], row["conversation_sid"]): row for row in twilio.oracle.every_user_conversation()}
        lines = [
            {"user": user, "conversation": conversation, "last_read_message_index": "@latest"}
            for user, conversation in world
        ]

        rows = list(Shell(twilio, tmp_path).plan(lines, "--op", "update").rows())

        assert len(rows) == len(world) > 500
        assert {row.disposition for row in rows} <= {"update", "noop", "satisfied", "blocked"}
        for row in rows:
            seen = world[str(row.user_sid), str(row.conversation_sid)]
            assert row.before_index == seen["last_read_message_index"]
            assert row.before_level == seen["notification_level"]
            assert row.participant_sid == seen["participant_sid"]
        assert {method for method, _, _ in twilio.counters().answers} == {"GET"}
        assert twilio.counters().faults
