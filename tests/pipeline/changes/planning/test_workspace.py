from collections import Counter
from pathlib import Path

from readstate.changes.input.intents import Intent
from readstate.changes.planning.workspace import PlanWorkspace
from readstate.model.desired import Removal
from tests.helpers.planning import csv_of, make_plan, update
from tests.helpers.simulated_api import SimulatedApi


async def test_one_membership_under_different_names_is_a_duplicate(simulated: SimulatedApi, tmp_path: Path) -> None:
    user, rows = next(
        (user, open_rows)
        for user in simulated.users_with(3, 49)
        if user.identity.startswith("user")
        and len(open_rows := [row for row in simulated.rows_of(user.sid) if row["conversation_state"] != "closed"]) > 2
    )
    first, second, third = rows[:3]
    level = {"default": "muted", "muted": "default"}
    lines = [
        update(first, notification_level=level[first["notification_level"]]),
        update(second, notification_level="muted"),
        update(first, notification_level=level[first["notification_level"]], user=user.identity),
        update(second, notification_level="default", user=user.identity),
        update(third, notification_level=level[third["notification_level"]]),
    ]

    planned = await make_plan(simulated, csv_of(*lines), tmp_path)

    assert planned.dispositions == ["update", "conflict", "noop", "conflict", "update"]
    assert Counter(problem.code for problem in planned.problems) == {"W-DUP": 1, "W-CONFLICT": 2}


async def test_a_removal_counts_what_its_user_has(simulated: SimulatedApi, tmp_path: Path) -> None:
    loner, busy = simulated.users_with(1, 1)[0], simulated.users_with(60, 200)[0]
    rows = [simulated.rows_of(loner.sid)[0], simulated.rows_of(busy.sid)[0]]

    planned = await make_plan(
        simulated, csv_of(*(update(row, op="delete") for row in rows)), tmp_path, operation=None, allow_closed=True
    )

    facts = planned.plan.manifest.guard_inputs
    assert (facts.deletes, facts.wiped_out_users) == (2, 1)
    assert facts.wiped_out_examples[0].user_sid == loner.sid
    assert sum(request.path.endswith(f"{busy.sid}/Conversations") for request in planned.sent) == 1


def test_very_many_lines_of_one_user_are_read_in_parts(tmp_path: Path) -> None:
    workspace = PlanWorkspace(tmp_path)
    intents = (Intent(line, line, "anna", f"CH{line:032x}", Removal()) for line in range(2, 25_002))
    workspace.staging.add(intents)

    parts = list(workspace.user_lines({}))

    assert [(part.user_id, len(part.conversations), part.delete_count) for part in parts] == [
        ("anna", 10_000, 10_000),
        ("anna", 10_000, 10_000),
        ("anna", 5_000, 5_000),
    ]
    workspace.close()
