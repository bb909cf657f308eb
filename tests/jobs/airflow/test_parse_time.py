"""What a scheduler loads when it reads a DAG file, in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.helpers.repository import ROOT

HEAVY = {"pandas", "pyarrow", "duckdb", "aiohttp", "numpy", "jinja2_unused"}
LOADED = """
import json, sys
before = set(sys.modules)
{load}
print(json.dumps(sorted(name.partition(".")[0] for name in set(sys.modules) - before)))
"""


def loaded_by(load: str) -> set[str]:
    base = "import airflow; from airflow.providers.common.compat.sdk import DAG, BaseOperator, BaseHook, task\n"
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", base + LOADED.format(load=load)],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(json.loads(told.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module", ["readstate_jobs.airflow.operators", "readstate_jobs.airflow.hook", "readstate_jobs.airflow.provider"]
)
def test_importing_the_provider_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") & HEAVY == set()


def test_reading_the_dag_file_loads_nothing_heavy() -> None:
    file = ROOT / "jobs" / "dags" / "read_state.py"

    assert loaded_by(f"import runpy; runpy.run_path({str(file)!r})") & HEAVY == set()


def test_the_measure_sees_what_is_loaded() -> None:
    assert "pyarrow" in loaded_by("import pyarrow") & HEAVY
