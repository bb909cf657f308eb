"""Tests of the provider; those that need Airflow are left out where it is not installed."""

import os
import tempfile
from importlib.util import find_spec

HAS_AIRFLOW = find_spec("airflow") is not None
_NEED_AIRFLOW = ["test_hook.py", "test_operators.py", "test_parse_time.py", "test_dags.py", "test_scheduler.py"]

collect_ignore = [] if HAS_AIRFLOW else _NEED_AIRFLOW

if HAS_AIRFLOW:  # before anybody imports it: its configuration is read once
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="readstate-airflow-"))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ["AIRFLOW__TRACES__OTEL_ON"] = "False"
