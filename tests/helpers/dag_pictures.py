"""Draws the provider's DAGs beside its page: ``.venv-airflow/bin/python -m tests.helpers.dag_pictures``."""

from airflow.sdk import DAG

from readstate_jobs.airflow.dags import bulk, nightly
from tests.helpers.dag_picture import Task, draw
from tests.helpers.operator_signatures import ROOM


def pictures() -> dict[str, str]:
    """Return the picture of each DAG by its file's name."""
    return {"nightly.svg": draw(_tasks(nightly())), "bulk.svg": draw(_tasks(bulk()))}


def _tasks(dag: DAG) -> dict[str, Task]:
    return {
        task.task_id: Task(frozenset(task.downstream_task_ids), task.is_mapped, str(task.trigger_rule.value))
        for task in dag.tasks
    }


if __name__ == "__main__":
    for name, picture in pictures().items():
        (ROOM / name).write_text(picture, encoding="utf-8")
