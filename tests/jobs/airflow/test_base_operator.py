import threading
import time
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.airflow.operators import ExportSnapshotOperator, ReadstateOperator
from tests.helpers.operator_runs import run


def test_an_outage_is_tried_again(connected_twilio: RunningSimulator, tmp_path: Path) -> None:
    connected_twilio.faults = Faults(outage="503")
    operator = ExportSnapshotOperator(task_id="e", root=str(tmp_path), env={"READSTATE_MAX_OUTAGE": "1s"})

    with pytest.raises(AirflowException, match="exit code 15") as raised:
        run(operator)

    assert not isinstance(raised.value, AirflowFailException)


def test_a_killed_task_never_succeeds(connected_twilio: RunningSimulator, tmp_path: Path) -> None:
    """Airflow calls `on_kill` and lets `execute` go on."""
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"), options=["--max-in-flight", "1"])
    connected_twilio.faults = Faults(latency_ms=100)

    def kill() -> None:
        while connected_twilio.counters().requests < 10:
            time.sleep(0.01)
        operator.on_kill()

    threading.Thread(target=kill).start()
    with pytest.raises(AirflowException, match="stopped; what was done is kept"):
        run(operator)


@pytest.mark.usefixtures("connected_twilio")
def test_a_task_killed_before_its_command_started_does_nothing(tmp_path: Path) -> None:
    operator = ExportSnapshotOperator(task_id="export", root=str(tmp_path / "root"))
    operator.on_kill()

    with pytest.raises(AirflowException, match="stopped"):
        run(operator)

    assert not (tmp_path / "root").exists()


@pytest.mark.usefixtures("connected_twilio")
def test_the_work_folder_of_a_task_reaches_its_command(tmp_path: Path) -> None:
    operator = ReadstateOperator(task_id="settings", words=["settings", "--json"], work_dir=str(tmp_path / "shared"))

    assert run(operator)["settings"]["work_dir"]["value"] == str(tmp_path / "shared")
