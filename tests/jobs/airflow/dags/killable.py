"""Exports that can be killed: four shards, and one task that never has the time to end in one try."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag

from readstate_jobs.airflow.operators import ExportSnapshotOperator, PublishSnapshotOperator

BY_HAND = {
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "schedule": None,
    "is_paused_upon_creation": False,
    "default_args": {"retries": 20, "retry_delay": timedelta(seconds=1)},
}
SLOWLY = {"READSTATE_MAX_IN_FLIGHT": "2", "READSTATE_PART_ROWS": "50"}
WORK_DIR = "{{ var.value.readstate_work_dir }}"
ROOT = "{{ var.value.killable_root }}"


@dag(dag_id="killable", **BY_HAND)
def killable() -> None:
    """Four mapped shards of one account."""
    shards = ExportSnapshotOperator.partial(
        task_id="export_shard", root=f"{ROOT}/four", run="killed", work_dir=WORK_DIR, env=SLOWLY
    ).expand(shard=[f"{number}/4" for number in range(1, 5)])
    shards >> PublishSnapshotOperator(task_id="publish", root=f"{ROOT}/four", run="killed", work_dir=WORK_DIR)


@dag(dag_id="hurried", **BY_HAND)
def hurried() -> None:
    """An export that takes longer than it may."""
    ExportSnapshotOperator(
        task_id="export",
        root=f"{ROOT}/hurried",
        work_dir=WORK_DIR,
        env=SLOWLY | {"READSTATE_MAX_IN_FLIGHT": "4"},
        execution_timeout=timedelta(seconds=20),
    )


killable()
hurried()
