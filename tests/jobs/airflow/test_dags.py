import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.operator_signatures import ROOM
from tests.helpers.repository import ROOT

DAG_FILE = ROOT / "jobs" / "dags" / "read_state.py"
HEAVY = {"pandas", "pyarrow", "duckdb", "aiohttp", "numpy"}
LOADED = """
import airflow, json, sys
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, BaseHook, BaseOperator, task
before = set(sys.modules)
{statement}
print(json.dumps(sorted(name.partition(".")[0] for name in set(sys.modules) - before)))
"""
READ_FOLDER = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
sys.path.append(sys.argv[1])  # as Airflow does: behind the installed packages
bag = DagBag(sys.argv[1])
print(json.dumps([bag.import_errors, {dag.dag_id: list(dag.task_ids) for dag in bag.dags.values()}]))
"""


def run_python(program: str, *arguments: str) -> str:
    """Return the last line that *program* prints; ``-P`` keeps the repository off its path."""
    command = [sys.executable, "-P", "-W", "ignore", "-c", program, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]


def loaded_by(statement: str) -> set[str]:
    return set(json.loads(run_python(LOADED.format(statement=statement))))


@pytest.mark.parametrize(
    "statement",
    [
        "from readstate_jobs.airflow import hook, operators, provider",
        f"import runpy; runpy.run_path({str(DAG_FILE)!r})",
    ],
)
def test_importing_the_provider_and_reading_the_dag_file_load_nothing_heavy(statement: str) -> None:
    assert loaded_by(statement) & HEAVY == set()


@pytest.mark.process  # Airflow starts one when it is imported
def test_the_pictures_show_the_dags() -> None:
    """Where this fails: ``.venv-airflow/bin/python -m tests.helpers.dag_pictures``."""
    from tests.helpers.dag_pictures import pictures

    assert {name: (ROOM / name).read_text(encoding="utf-8") for name in ("nightly.svg", "bulk.svg")} == pictures()


@pytest.mark.process
@pytest.mark.parametrize("file", ["", " "])
def test_a_bulk_run_without_the_name_of_a_file_is_refused(file: str) -> None:
    from readstate_jobs.airflow.dags import bulk

    with pytest.raises(Exception, match="does not match"):
        bulk().params["file"] = file


@pytest.mark.process
def test_a_site_chooses_pool_and_notifier_and_needs_neither() -> None:
    from readstate_jobs.airflow.dags import bulk, nightly

    for dag, task in ((nightly, "export_shard"), (bulk, "apply")):
        chosen = dag(pool="twilio", on_failure=print, tags=["ours"])

        assert (chosen.get_task(task).pool, chosen.on_failure_callback, chosen.tags) == ("twilio", print, {"ours"})
        assert dag().get_task(task).pool == "default_pool"


def test_the_measure_sees_what_is_loaded() -> None:
    assert "pyarrow" in loaded_by("import pyarrow") & HEAVY


def test_a_dag_folder_with_packages_called_jobs_and_pipeline_keeps_its_own_dags_beside_ours(tmp_path: Path) -> None:
    for package in ("jobs", "pipeline"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "names.py").write_text(f"NAME = 'teams_{package}'\n")
    (tmp_path / "teams.py").write_text(
        "import jobs.names, pipeline.names\nfrom airflow.sdk import DAG\n"
        "one, two = (DAG(name, schedule=None) for name in (jobs.names.NAME, pipeline.names.NAME))\n"
    )
    shutil.copy(DAG_FILE, tmp_path)

    import_errors, dags = json.loads(run_python(READ_FOLDER, str(tmp_path)))

    assert import_errors == {}
    assert set(dags) == {"readstate_nightly", "readstate_bulk", "teams_jobs", "teams_pipeline"}
    assert set(dags["readstate_bulk"]) == {"plan", "has_changes", "approve", "apply", "verify", "report"}
