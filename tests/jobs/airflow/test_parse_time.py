"""What a scheduler loads when it reads a DAG file, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import jobs

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


@pytest.mark.parametrize("module", ["jobs.airflow.operators", "jobs.airflow.hook", "jobs.airflow.provider"])
def test_importing_the_provider_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") & HEAVY == set()


@pytest.mark.skipif(not (Path(jobs.__file__).parent / "dags").is_dir(), reason="no DAGs")
def test_reading_the_dag_file_loads_nothing_heavy() -> None:
    file = Path(jobs.__file__).parent / "dags" / "read_state.py"

    assert loaded_by(f"import runpy; runpy.run_path({str(file)!r})") & HEAVY == set()


def test_the_measure_sees_what_is_loaded() -> None:
    assert "pyarrow" in loaded_by("import pyarrow") & HEAVY
