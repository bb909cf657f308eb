from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.airflow.operators import ApplyPlanOperator, MarkReadOperator, PlanChangesOperator
from tests.helpers.exporting import world_rows
from tests.helpers.operator_runs import run


def test_changes_are_planned_and_applied_once_also_when_the_task_runs_again(
    connected_twilio: RunningSimulator, tmp_path: Path
) -> None:
    plan = run(MarkReadOperator(task_id="plan", plans=str(tmp_path / "plans"), options=["--unread-at-least", "3"]))
    apply = ApplyPlanOperator(task_id="apply", plan=plan["plan_dir"])
    first = run(apply)
    effects = connected_twilio.effects()
    again = run(apply)

    assert plan["summary"].startswith(f"### Plan {plan['plan_id']}")
    assert "CH" not in plan["summary"], "counters and guards, and no row"
    assert plan["changes"] == first["counts"]["applied"] == len(effects) > 0
    assert again == first
    assert connected_twilio.effects() == effects


@pytest.mark.usefixtures("connected_twilio")
def test_a_changes_file_with_problems_is_not_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "changes.csv"
    file.write_text("person,place\nnobody,nothing\n")

    with pytest.raises(AirflowFailException, match="exit code 10"):
        run(PlanChangesOperator(task_id="plan", file=str(file), operation="delete", plans=str(tmp_path)))


def test_removals_need_their_number_and_are_not_tried_again(connected_twilio: RunningSimulator, tmp_path: Path) -> None:
    row = next(iter(world_rows(connected_twilio).values()))
    file = tmp_path / "leave.csv"
    file.write_text(f"user,conversation\n{row['user_sid']},{row['conversation_sid']}\n")
    plan = run(PlanChangesOperator(task_id="plan", file=str(file), operation="delete", plans=str(tmp_path)))
    assert "--confirm-deletes 1" in plan["needs"]

    with pytest.raises(AirflowFailException, match="exit code 16"):
        run(ApplyPlanOperator(task_id="apply", plan=plan["plan_dir"]))
    confirmed = ApplyPlanOperator(
        task_id="confirmed", plan=plan["plan_dir"], confirm_deletes="1", options=["--allow-user-wipeout"]
    )
    assert run(confirmed)["counts"]["applied"] == 1
