from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.airflow.operators import (
    ApplyPlanOperator,
    ExportSnapshotOperator,
    ForgetOperator,
    MarkReadOperator,
    ReportOperator,
    UndoOperator,
    VerifyOperator,
)
from tests.helpers.operator_runs import DAY, run


@pytest.fixture
def applied(connected_twilio: RunningSimulator, tmp_path: Path) -> dict[str, Any]:
    """What applying a plan below ``plans`` has pushed."""
    plan = run(MarkReadOperator(task_id="plan", plans=str(tmp_path / "plans"), options=["--unread-at-least", "3"]))
    return run(ApplyPlanOperator(task_id="apply", plan=plan["plan_dir"]))


def test_a_run_is_verified_without_a_row_in_the_xcom(applied: dict[str, Any]) -> None:
    verified = run(VerifyOperator(task_id="verify", run=applied["run_dir"]))

    assert verified["checked"] == applied["counts"]["applied"] > 0
    assert set(verified) == {"run_id", "run_dir", "checked", "counts", "exit_code"}


def test_a_run_is_undone_by_a_plan_and_then_no_longer_verified(applied: dict[str, Any], tmp_path: Path) -> None:
    undo = run(UndoOperator(task_id="undo", run=applied["run_dir"], plans=str(tmp_path / "plans")))
    consent = [word for flags in undo["needs"] for word in flags.split()]
    run(ApplyPlanOperator(task_id="apply_undo", plan=undo["plan_dir"], options=consent))

    assert undo["changes"] > 0
    with pytest.raises(AirflowFailException, match="exit code 3"):
        run(VerifyOperator(task_id="verify", run=applied["run_dir"]))


def test_a_run_and_a_snapshot_are_reported_where_a_browser_finds_them(applied: dict[str, Any], tmp_path: Path) -> None:
    root = tmp_path / "root"
    run(ExportSnapshotOperator(task_id="export", root=str(root)))
    served = {str(tmp_path): "https://files.example.com"}

    of_run = run(ReportOperator(task_id="run", run=applied["run_dir"]))
    of_root = run(ReportOperator(task_id="root", root=str(root), web_addresses=served))

    assert of_run == {"report": f"{applied['run_dir']}/report.html", "url": None}
    assert of_root == {"report": f"{root}/{DAY}.html", "url": f"https://files.example.com/root/{DAY}.html"}
    assert (root / "index.html").exists()
    for report in (of_run, of_root):
        assert Path(report["report"]).read_bytes().startswith(b"<!doctype html>")


def test_a_report_is_about_a_root_or_a_run() -> None:
    with pytest.raises(ValueError, match="either"):
        ReportOperator(task_id="both", root="a", run="b")


def test_old_plans_are_forgotten_with_the_reports_of_their_runs_and_none_without_an_age(
    applied: dict[str, Any], tmp_path: Path
) -> None:
    page = Path(run(ReportOperator(task_id="report", run=applied["run_dir"]))["report"])
    with pytest.raises(AirflowSkipException):
        run(ForgetOperator(task_id="none", plans=str(tmp_path / "plans"), retain=""))
    assert run(ForgetOperator(task_id="young", plans=str(tmp_path / "plans"), retain="1d")) == {"forgotten": 0}

    assert run(ForgetOperator(task_id="old", plans=str(tmp_path / "plans"), retain="0s")) == {"forgotten": 1}
    assert not page.exists()
