"""Every operator, under the name that DAGs import."""

from readstate_jobs.airflow.base_operator import ReadstateOperator
from readstate_jobs.airflow.change_operators import ApplyPlanOperator, MarkReadOperator, PlanChangesOperator
from readstate_jobs.airflow.review_operators import ForgetOperator, ReportOperator, UndoOperator, VerifyOperator
from readstate_jobs.airflow.snapshot_operators import (
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    PruneSnapshotsOperator,
    PublishSnapshotOperator,
)

__all__ = [
    "ApplyPlanOperator",
    "CheckSnapshotOperator",
    "CompareSnapshotsOperator",
    "ExportSnapshotOperator",
    "ForgetOperator",
    "MarkReadOperator",
    "PlanChangesOperator",
    "PruneSnapshotsOperator",
    "PublishSnapshotOperator",
    "ReadstateOperator",
    "ReportOperator",
    "UndoOperator",
    "VerifyOperator",
]
