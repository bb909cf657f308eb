"""The operators against the simulator, without a scheduler: what they push, raise and tell."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.airflow.operators import (
    ApplyPlanOperator,
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    MarkReadOperator,
    PlanChangesOperator,
    ReadstateOperator,
)
from tests.helpers.exporting import assert_same, world_rows
from tests.helpers.published import published_rows

DAY = "2024-11-23"
CONTEXT: Any = {"dag_run": SimpleNamespace(run_after=datetime(2024, 11, 23, 1, tzinfo=UTC))}


@pytest.fixture
def twilio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningSimulator]:
    with running(
        World(WorldShape(users=40, services=1, odd_identities=0.0, heaviest=70)), faults=Faults()
    ) as simulator:
        account = simulator.credentials
        connection = {"conn_type": "twilio_conversations", "login": account.account_sid, "password": account.auth_token,
                      "extra": {"base_url": simulator.base_url}}  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_TWILIO_CONVERSATIONS_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("READSTATE_WORK_DIR", str(tmp_path / "work"))
        yield simulator


def carry_out(operator: ReadstateOperator) -> dict[str, Any]:
    """What `execute` does, past Airflow's guard against calling it oneself."""
    return operator.answer(operator.run_readstate(operator.command(CONTEXT)), CONTEXT)


def test_an_export_publishes_and_pushes_counters_and_no_rows(twilio: RunningSimulator, tmp_path: Path) -> None:
    pushed = carry_out(ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root")))

    assert_same(published_rows(tmp_path / "root"), world_rows(twilio))
    assert (pushed["snapshot_date"], pushed["complete"]) == (DAY, True)
    assert (tmp_path / "root" / pushed["manifest_path"]).is_file()
    assert pushed["rows"] == len(world_rows(twilio))
    assert len(json.dumps(pushed)) < 1_000


def test_an_export_that_was_published_before_is_done(twilio: RunningSimulator, tmp_path: Path) -> None:
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"))
    carry_out(operator)

    assert carry_out(operator)["already_published"]


def test_an_incomplete_snapshot_stays_a_failure_when_a_second_try_finds_it(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"))
    twilio.faults = Faults(page_loop_share=1.0)
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="exit code 3"):
            carry_out(operator)

    lenient = ExportSnapshotOperator(task_id="lenient", root=str(tmp_path / "root"), when_some_failed="succeed")
    assert carry_out(lenient)["complete"] is False
    with pytest.raises(AirflowFailException, match="is incomplete"):
        carry_out(CheckSnapshotOperator(task_id="check", root=str(tmp_path / "root")))


def test_a_missing_snapshot_does_not_pass_the_gate_and_a_good_one_does(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    gate = CheckSnapshotOperator(task_id="check", root=str(tmp_path / "root"), verify=True)
    with pytest.raises(AirflowFailException):
        carry_out(gate)
    carry_out(ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root")))

    assert carry_out(gate)["rows"] == len(world_rows(twilio))


def test_the_first_snapshot_has_nothing_to_be_compared_with_and_the_second_has(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    root = str(tmp_path / "root")
    carry_out(ExportSnapshotOperator(task_id="export", root=root))
    compare = CompareSnapshotsOperator(task_id="compare", root=root)
    with pytest.raises(AirflowSkipException):
        carry_out(compare)
    carry_out(ExportSnapshotOperator(task_id="earlier", root=root, date="2024-11-20"))

    pushed = carry_out(compare)

    assert (pushed["from"]["snapshot_date"], pushed["to"]["snapshot_date"]) == ("2024-11-20", DAY)
    assert pushed["user_conversations"]["changed"] == 0


def test_changes_are_planned_and_applied_once_also_when_the_task_runs_again(
    twilio: RunningSimulator, tmp_path: Path
) -> None:
    plan = carry_out(
        MarkReadOperator(task_id="plan", plans=str(tmp_path / "plans"), options=["--unread-at-least", "3"])
    )
    apply = ApplyPlanOperator(task_id="apply", plan=plan["plan_dir"])
    first = carry_out(apply)
    effects = twilio.effects()
    again = carry_out(apply)

    assert plan["changes"] == first["counts"]["applied"] == len(effects) > 0
    assert again == first
    assert twilio.effects() == effects


def test_a_changes_file_with_problems_is_not_tried_again(twilio: RunningSimulator, tmp_path: Path) -> None:
    (tmp_path / "changes.csv").write_text("person,place\nnobody,nothing\n")

    with pytest.raises(AirflowFailException, match="exit code 10"):
        carry_out(
            PlanChangesOperator(
                task_id="plan", file=str(tmp_path / "changes.csv"), operation="delete", plans=str(tmp_path)
            )
        )


def test_removals_want_their_number_and_are_not_tried_again(twilio: RunningSimulator, tmp_path: Path) -> None:
    row = next(iter(world_rows(twilio).values()))
    (tmp_path / "leave.csv").write_text(f"user,conversation\n{row['user_sid']},{row['conversation_sid']}\n")
    plan = carry_out(
        PlanChangesOperator(task_id="plan", file=str(tmp_path / "leave.csv"), operation="delete", plans=str(tmp_path))
    )
    assert "--confirm-deletes 1" in plan["needs"]

    with pytest.raises(AirflowFailException, match="exit code 16"):
        carry_out(ApplyPlanOperator(task_id="apply", plan=plan["plan_dir"]))
    applied = carry_out(
        ApplyPlanOperator(
            task_id="agreed", plan=plan["plan_dir"], confirm_deletes="1", options=["--allow-user-wipeout"]
        )
    )
    assert applied["counts"]["applied"] == 1


def test_an_outage_is_tried_again(twilio: RunningSimulator, tmp_path: Path) -> None:
    twilio.faults = Faults(outage="503")
    operator = ExportSnapshotOperator(task_id="e", root=str(tmp_path), env={"READSTATE_MAX_OUTAGE": "1s"})

    with pytest.raises(AirflowException, match="exit code 15") as raised:
        carry_out(operator)

    assert not isinstance(raised.value, AirflowFailException)


def test_a_killed_task_never_succeeds(twilio: RunningSimulator, tmp_path: Path) -> None:
    """Airflow 3 calls `on_kill` and lets `execute` go on."""
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"), options=["--max-in-flight", "1"])
    twilio.faults = Faults(latency_ms=100)

    def kill() -> None:
        while twilio.counters().requests < 10:
            time.sleep(0.01)
        operator.on_kill()

    threading.Thread(target=kill).start()
    with pytest.raises(AirflowException, match="stopped; what was done is kept"):
        carry_out(operator)


def test_the_work_folder_of_a_task_is_told_to_its_command(twilio: RunningSimulator, tmp_path: Path) -> None:
    operator = ReadstateOperator(task_id="settings", words=["settings", "--json"], work_dir=str(tmp_path / "shared"))

    assert carry_out(operator)["settings"]["work_dir"]["value"] == str(tmp_path / "shared")


def test_openlineage_is_told_schema_rows_and_bytes(twilio: RunningSimulator, tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.openlineage")
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"))
    pushed = carry_out(operator)

    (output,) = operator.get_openlineage_facets_on_complete(None).outputs

    assert (output.namespace, output.name) == ("file", str(tmp_path / "root" / "user_conversations"))
    assert output.outputFacets["outputStatistics"].rowCount == pushed["rows"]
    assert "last_read_message_index" in {field.name for field in output.facets["schema"].fields}
