"""Two DAGs: every night a snapshot of each account; and changes in bulk, with a person between plan and apply.

Airflow variables say what for, and are read when a task runs:

* ``readstate_accounts``: a JSON list; each has ``root`` and may have ``twilio_conn_id`` and ``shards``
* ``readstate_work_dir``: a folder that all workers share: a task that was killed goes on there
* ``readstate_plans``: a folder for plans that all workers share
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException, AssetAlias, Param, TriggerRule, dag, task
from airflow.providers.standard.operators.hitl import ApprovalOperator

from readstate_jobs.airflow.operators import (
    ApplyPlanOperator,
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    PlanChangesOperator,
    PublishSnapshotOperator,
    ReadstateOperator,
    due_day,
)

ACCOUNTS = """{{ var.value.get('readstate_accounts', '[{"root": "/data/conversations"}]') }}"""
WORK_DIR = "{{ var.value.get('readstate_work_dir', '/data/readstate-work') }}"
PLANS = "{{ var.value.get('readstate_plans', '/data/readstate-plans') }}"
DEFAULT_CONNECTION = "twilio_conversations_default"

POOL = "readstate"
"""As many slots as accounts may be read at once: airflow pools set readstate 4 "readstate" """

SNAPSHOTS = AssetAlias(name="readstate_snapshots")
"""What is published becomes an asset of its own when it is checked: ``<root>/user_conversations``."""

RETRIES: dict[str, Any] = {
    "retries": 5,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
}
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@task
def list_accounts(accounts: str, **context: Any) -> list[dict[str, Any]]:
    """Whose conversations are read tonight, and as which day's snapshot."""
    day = due_day(context)
    return [
        {
            "twilio_conn_id": account.get("twilio_conn_id", DEFAULT_CONNECTION),
            "root": account["root"],
            "shards": int(account.get("shards", 1)),
            "date": day,
        }
        for account in json.loads(accounts)
    ]


@task
def plan_shards(accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One process an account, or as many as its ``shards`` say."""
    return [
        {name: account[name] for name in ("twilio_conn_id", "root", "date")} | share
        for account in accounts
        for share in _shares(account)
    ]


def _shares(account: dict[str, Any]) -> list[dict[str, str]]:
    count = account["shards"]
    return (
        [{"shard": f"{number}/{count}", "run": _run(account)} for number in range(1, count + 1)] if count > 1 else [{}]
    )


def _run(account: dict[str, Any]) -> str:
    return f"nightly-{account['date']}"


def _to_publish(account: dict[str, Any]) -> dict[str, Any]:
    if account["shards"] == 1:
        raise AirflowSkipException("one process has published it")
    return {"root": account["root"], "run": _run(account)}


def _to_look_at(account: dict[str, Any]) -> dict[str, Any]:
    return {"root": account["root"], "date": account["date"]}


def _to_report(account: dict[str, Any]) -> list[str]:
    return ["report", account["root"], "--date", account["date"], "--out", f"{account['root']}/{account['date']}.html"]


@dag(
    dag_id="readstate_nightly",
    schedule="0 1 * * *",
    start_date=BEGINNING,
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    tags=["readstate"],
    doc_md=__doc__,
)
def nightly() -> None:
    """Export, publish, check, compare and report; what goes wrong with one account holds up no other."""
    accounts = list_accounts(ACCOUNTS)
    export_shard = ExportSnapshotOperator.partial(
        task_id="export_shard",
        pool=POOL,
        work_dir=WORK_DIR,
        execution_timeout=timedelta(hours=6),
        when_some_failed="succeed",
        map_index_template="{{ task.root }} {{ task.shard or '' }}",
    ).expand_kwargs(plan_shards(accounts))
    # Each account is judged by what lies below its root, whatever became of the others' tasks.
    alone = {"trigger_rule": TriggerRule.ALL_DONE, "map_index_template": "{{ task.root }}"}
    publish = PublishSnapshotOperator.partial(
        task_id="publish", work_dir=WORK_DIR, when_some_failed="succeed", **alone
    ).expand_kwargs(accounts.map(_to_publish))
    check = CheckSnapshotOperator.partial(task_id="check", outlets=[SNAPSHOTS], **alone).expand_kwargs(
        accounts.map(_to_look_at)
    )
    compare = CompareSnapshotsOperator.partial(task_id="compare", **alone).expand_kwargs(accounts.map(_to_look_at))
    report = ReadstateOperator.partial(task_id="report", twilio_conn_id=None, trigger_rule=TriggerRule.ALL_DONE).expand(
        words=accounts.map(_to_report)
    )
    export_shard >> publish >> check >> compare >> report


@dag(
    dag_id="readstate_bulk",
    schedule=None,
    start_date=BEGINNING,
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    tags=["readstate"],
    params={
        "file": Param("", type="string", title="Changes file", description="A CSV that all workers can read."),
        "operation": Param("update", enum=["update", "delete"], title="What every line asks for"),
        "twilio_conn_id": Param(DEFAULT_CONNECTION, type="string", title="Connection"),
    },
    doc_md=__doc__,
)
def bulk() -> None:
    """Plan what a file asks for, wait for a person, carry it out, and read it back."""
    connection = "{{ params.twilio_conn_id }}"
    plan = PlanChangesOperator(
        task_id="plan",
        file="{{ params.file }}",
        operation="{{ params.operation }}",
        plans=PLANS,
        twilio_conn_id=connection,
        work_dir=WORK_DIR,
    )

    @task.short_circuit
    def has_changes(planned: dict[str, Any]) -> bool:
        return bool(planned["changes"])

    approve = ApprovalOperator(
        task_id="approve",
        subject="Apply plan {{ ti.xcom_pull('plan')['plan_id'] }}?",
        body="{% set plan = ti.xcom_pull('plan') %}"
        "**{{ plan['counts']['update'] }} updates, {{ plan['counts']['delete'] }} removals.** Read it before:\n\n"
        "`{{ plan['plan_dir'] }}/summary.html`",
    )
    apply = ApplyPlanOperator(
        task_id="apply",
        plan="{{ ti.xcom_pull('plan')['plan_dir'] }}",
        # Whoever approves has been shown this number.
        confirm_deletes="{{ ti.xcom_pull('plan')['counts']['delete'] or '' }}",
        twilio_conn_id=connection,
        work_dir=WORK_DIR,
        pool=POOL,
    )
    verify = ReadstateOperator(
        task_id="verify",
        words=["verify", "{{ ti.xcom_pull('apply')['run_dir'] }}", "--json"],
        twilio_conn_id=connection,
        work_dir=WORK_DIR,
    )
    has_changes(plan.output) >> approve >> apply >> verify


nightly()
bulk()
