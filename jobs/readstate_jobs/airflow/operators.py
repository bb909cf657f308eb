"""Every operator, under the name that DAGs import."""

from readstate_jobs.airflow.base_operator import ReadstateOperator
from readstate_jobs.airflow.change_operators import ApplyPlanOperator, MarkReadOperator, PlanChangesOperator
from readstate_jobs.airflow.snapshot_operators import (
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    PublishSnapshotOperator,
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
]
