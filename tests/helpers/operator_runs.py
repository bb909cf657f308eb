"""Operators run without a scheduler."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

DAY = "2024-11-23"
CONTEXT: Any = {"dag_run": SimpleNamespace(run_after=datetime(2024, 11, 23, 1, tzinfo=UTC))}


def run(operator: Any) -> dict[str, Any]:
    """Return the XCom of *operator*; `execute` itself is refused by Airflow outside of a task."""
    return operator.to_xcom(operator.run_readstate(operator.arguments(CONTEXT)), CONTEXT)
