import json
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.airflow.operators import (
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    PruneSnapshotsOperator,
)
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.operator_runs import CONTEXT, DAY, run

NO_SERVICE = "IS" + "0" * 32


def test_an_export_publishes_and_pushes_counters_and_no_rows(
    connected_twilio: RunningSimulator, tmp_path: Path
) -> None:
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"))

    pushed = run(operator)

    assert_same(published_rows(tmp_path / "root"), world_rows(connected_twilio))
    assert (pushed["snapshot_date"], pushed["complete"], pushed["already_published"]) == (DAY, True, False)
    assert (tmp_path / "root" / pushed["manifest_path"]).is_file()
    assert pushed["rows"] == len(world_rows(connected_twilio))
    assert len(json.dumps(pushed)) < 1_000
    assert run(operator)["already_published"]


def test_an_incomplete_snapshot_stays_a_failure_when_a_second_try_finds_it(
    connected_twilio: RunningSimulator, tmp_path: Path
) -> None:
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"))
    connected_twilio.faults = Faults(page_loop_share=1.0)
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="exit code 3"):
            run(operator)

    lenient = ExportSnapshotOperator(task_id="lenient", root=str(tmp_path / "root"), when_some_failed="succeed")
    assert run(lenient)["complete"] is False
    with pytest.raises(AirflowFailException, match="is incomplete"):
        run(CheckSnapshotOperator(task_id="check", root=str(tmp_path / "root")))


def test_a_missing_snapshot_does_not_pass_the_check_and_a_good_one_does(
    connected_twilio: RunningSimulator, tmp_path: Path
) -> None:
    check = CheckSnapshotOperator(task_id="check", root=str(tmp_path / "root"), verify=True)
    with pytest.raises(AirflowFailException):
        run(check)
    run(ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root")))

    assert run(check)["rows"] == len(world_rows(connected_twilio))


@pytest.mark.usefixtures("connected_twilio")
def test_the_first_snapshot_has_nothing_to_be_compared_with_and_the_second_has(tmp_path: Path) -> None:
    root = str(tmp_path / "root")
    run(ExportSnapshotOperator(task_id="export", root=root))
    compare = CompareSnapshotsOperator(task_id="compare", root=root)
    with pytest.raises(AirflowSkipException):
        run(compare)
    run(ExportSnapshotOperator(task_id="earlier", root=root, date="2024-11-20"))

    pushed = run(compare)

    assert (pushed["from"]["snapshot_date"], pushed["to"]["snapshot_date"]) == ("2024-11-20", DAY)
    assert pushed["user_conversations"]["changed"] == 0


@pytest.mark.usefixtures("connected_twilio")
def test_only_the_newest_snapshots_are_kept_and_all_where_no_number_is_given(tmp_path: Path) -> None:
    root = str(tmp_path / "root")
    for day in ("2024-11-20", "2024-11-21"):
        run(ExportSnapshotOperator(task_id="export", root=root, date=day))
    with pytest.raises(AirflowSkipException):
        run(PruneSnapshotsOperator(task_id="all", root=root, keep=""))

    assert run(PruneSnapshotsOperator(task_id="prune", root=root, keep=1))["removed"] == ["2024-11-20"]


@pytest.mark.usefixtures("connected_twilio")
@pytest.mark.parametrize("services", [f"{NO_SERVICE}, {NO_SERVICE}", [NO_SERVICE]])
def test_services_may_be_a_list_or_the_text_of_a_template(services: str | list[str], tmp_path: Path) -> None:
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path), services=services)

    assert "services" in operator.template_fields
    assert set(operator.arguments(CONTEXT)) >= {"--service", NO_SERVICE}


def test_openlineage_gets_schema_rows_and_bytes(connected_twilio: RunningSimulator, tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.openlineage")
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"))
    pushed = run(operator)

    (output,) = operator.get_openlineage_facets_on_complete(None).outputs

    assert (output.namespace, output.name) == ("file", str(tmp_path / "root" / "user_conversations"))
    assert output.outputFacets["outputStatistics"].rowCount == pushed["rows"]
    assert "last_read_message_index" in {field.name for field in output.facets["schema"].fields}
