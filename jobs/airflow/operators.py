"""Every operator, under the name that DAGs import."""

from jobs.airflow.change_operators import ApplyPlanOperator, MarkReadOperator, PlanChangesOperator
from jobs.airflow.operator import ReadstateOperator
from jobs.airflow.snapshot_operators import (
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    PublishSnapshotOperator,
    due_day,
)

__all__ = [
    "ApplyPlanOperator",
    "CheckSnapshotOperator",
    "CompareSnapshotsOperator",
    "ExportSnapshotOperator",
    "MarkReadOperator",
    "PlanChangesOperator",
    "PublishSnapshotOperator",
    "ReadstateOperator",
    "due_day",
]
