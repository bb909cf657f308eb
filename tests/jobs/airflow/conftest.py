"""Tests of the Airflow provider; those that need Airflow are left out where it is not installed."""

import json
import os
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World

HAS_AIRFLOW = find_spec("airflow") is not None
_NEED_AIRFLOW = [
    "test_base_operator.py", "test_change_operators.py", "test_dags.py", "test_hook.py", "test_links.py",
    "test_review_operators.py", "test_scheduler.py", "test_snapshot_operators.py",
]  # fmt: skip

collect_ignore = [] if HAS_AIRFLOW else _NEED_AIRFLOW

if HAS_AIRFLOW:  # before it is imported: its configuration is read once
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="readstate-airflow-"))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ["AIRFLOW__TRACES__OTEL_ON"] = "False"


@pytest.fixture
def connected_twilio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningSimulator]:
    """A small account behind Airflow's default connection."""
    world = World(WorldShape(users=40, services=1, odd_identities=0.0, heaviest=70))
    with running(world, faults=Faults()) as simulator:
        account = simulator.credentials
        connection = {"conn_type": "twilio_conversations", "login": account.account_sid, "password": account.auth_token,
                      "extra": {"base_url": simulator.base_url}}  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_TWILIO_CONVERSATIONS_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("READSTATE_WORK_DIR", str(tmp_path / "work"))
        yield simulator
