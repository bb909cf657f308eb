"""Planning over sockets while the network misbehaves and people read on: the plan is what the world holds."""

import json
from pathlib import Path

import pytest

from readstate.changes.plans.reader import open_plan
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from readstate_jobs.cli.main import main


def test_a_plan_made_in_bad_weather_equals_the_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = Faults(
        error_share=0.03,
        concurrency_cap=20,
        reset_before_share=0.01,
        reset_after_share=0.01,
        shift_row_share=0.05,
        repeat_row_share=0.05,
    )
    with running(World(WorldShape(users=150, services=1, heaviest=120)), faults=faults) as twilio:
        for name, value in (
            ("TWILIO_API_KEY", twilio.credentials.api_key),
            ("TWILIO_API_SECRET", twilio.credentials.api_secret),
            ("READSTATE_BASE_URL", twilio.base_url),
        ):
            monkeypatch.setenv(name, value)
        world = {(row["user_sid"], row["conversation_sid"]): row for row in twilio.oracle.every_user_conversation()}
        lines = [f"{user},{conversation},@latest" for user, conversation in world]
        changes = tmp_path / "changes.csv"
        changes.write_text("\n".join(["user,conversation,last_read_message_index", *lines]))

        code = main(["plan", str(changes), "--op", "update", "-o", str(tmp_path / "plans"), "--json"])

        assert code == 0
        plan = open_plan(Path(json.loads(capsys.readouterr().out)["plan_dir"]))
        rows = list(plan.rows())
        assert len(rows) == len(world) > 500
        assert {row.disposition for row in rows} <= {"update", "noop", "satisfied", "blocked"}
        for row in rows:
            seen = world[str(row.user_sid), str(row.conversation_sid)]
            assert row.before_index == seen["last_read_message_index"]
            assert row.before_level == seen["notification_level"]
            assert row.participant_sid == seen["participant_sid"]
        assert {method for method, _, _ in twilio.counters().answers} == {"GET"}
        assert twilio.counters().faults
