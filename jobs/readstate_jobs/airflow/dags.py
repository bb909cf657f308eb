"""Two DAGs to call from a file in Airflow's DAG folder.

`nightly` publishes a snapshot of each account. `bulk` changes many memberships, with a person's approval between plan
and apply. These Airflow variables are read when a task runs:

* ``readstate_accounts``: a JSON list; each has ``root`` and may have ``twilio_conn_id`` and ``shards``
* ``readstate_work_dir``: a folder that all workers share, where a killed task is resumed
* ``readstate_plans``: a folder for plans that all workers share
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import AssetAlias, Param, TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from readstate_jobs.airflow.base_operator import ReadstateOperator
from readstate_jobs.airflow.change_operators import ApplyPlanOperator, PlanChangesOperator
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.snapshot_operators import (
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    PublishSnapshotOperator,
    due_day,
)

ACCOUNTS = """{{ var.value.get('readstate_accounts', '[{"root": "/data/conversations"}]') }}"""
WORK_DIR = "{{ var.value.get('readstate_work_dir', '/data/readstate-work') }}"
PLANS = "{{ var.value.get('readstate_plans', '/data/readstate-plans') }}"

POOL = "readstate"
"""One slot for each account that may be read at once: ``airflow pools set readstate 4 "readstate"``."""

SNAPSHOTS = AssetAlias(name="readstate_snapshots")
"""Each snapshot that passes its check adds the asset ``<root>/user_conversations`` to this alias."""

COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {
        "retries": 5,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=30),
    },
    "tags": ["readstate"],
    "doc_md": __doc__,
}


@task
def list_accounts(accounts: str, **context: Any) -> list[dict[str, Any]]:
    """Return the accounts to export, each with the date of its snapshot and the name of its run."""
    day = due_day(context)
    defaults = {"twilio_conn_id": TwilioConversationsHook.default_conn_name, "shards": 1}
    return [defaults | account | {"date": day, "run": f"nightly-{day}"} for account in json.loads(accounts)]


@task
def plan_shards(accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the arguments of each export: one process for an account, or as many as its ``shards``."""
    exports = []
    for account in accounts:
        whole = {name: account[name] for name in ("twilio_conn_id", "root", "date")}
        count = int(account["shards"])
        shards = [{"run": account["run"], "shard": f"{number}/{count}"} for number in range(1, count + 1)]
        exports += [whole | shard for shard in shards] if count > 1 else [whole]
    return exports


def _publish_arguments(account: dict[str, Any]) -> dict[str, Any]:
    if int(account["shards"]) == 1:
        raise AirflowSkipException("the only process has published the snapshot")
    return {"root": account["root"], "run": account["run"]}


def _snapshot_arguments(account: dict[str, Any]) -> dict[str, Any]:
    return {"root": account["root"], "date": account["date"]}


def _report_words(account: dict[str, Any]) -> list[str]:
    return ["report", account["root"], "--date", account["date"], "--out", f"{account['root']}/{account['date']}.html"]


@dag(dag_id="readstate_nightly", schedule="0 1 * * *", **COMMON)
def nightly() -> None:
    """Export, publish, check, compare and report; a failure with one account does not stop the others."""
    accounts = list_accounts(ACCOUNTS)
    export_shard = ExportSnapshotOperator.partial(
        task_id="export_shard",
        pool=POOL,
        work_dir=WORK_DIR,
        execution_timeout=timedelta(hours=6),
        when_some_failed="succeed",
        map_index_template="{{ task.root }} {{ task.shard or '' }}",
    ).expand_kwargs(plan_shards(accounts))
    # A mapped task waits for every account's task before it: each then looks at its own root alone.
    each: dict[str, Any] = {"trigger_rule": TriggerRule.ALL_DONE, "map_index_template": "{{ task.root }}"}
    publish = PublishSnapshotOperator.partial(
        task_id="publish", work_dir=WORK_DIR, when_some_failed="succeed", **each
    ).expand_kwargs(accounts.map(_publish_arguments))
    snapshots = accounts.map(_snapshot_arguments)
    check = CheckSnapshotOperator.partial(task_id="check", outlets=[SNAPSHOTS], **each).expand_kwargs(snapshots)
    compare = CompareSnapshotsOperator.partial(task_id="compare", **each).expand_kwargs(snapshots)
    report = ReadstateOperator.partial(task_id="report", twilio_conn_id=None, trigger_rule=TriggerRule.ALL_DONE).expand(
        words=accounts.map(_report_words)
    )
    export_shard >> publish >> check >> compare >> report


@dag(
    dag_id="readstate_bulk",
    schedule=None,
    params={
        "file": Param("", type="string", title="Changes file", description="A CSV that all workers can read."),
        "operation": Param("update", enum=["update", "delete"], title="The operation of every line"),
        "twilio_conn_id": Param(TwilioConversationsHook.default_conn_name, type="string", title="Connection"),
    },
    **COMMON,
)
def bulk() -> None:
    """Plan the changes of a file, wait for an approval, apply the plan, and verify it."""
    common: dict[str, Any] = {"twilio_conn_id": "{{ params.twilio_conn_id }}", "work_dir": WORK_DIR}
    plan = PlanChangesOperator(
        task_id="plan", file="{{ params.file }}", operation="{{ params.operation }}", plans=PLANS, **common
    )

    @task.short_circuit
    def has_changes(planned: dict[str, Any]) -> bool:
        return bool(planned["changes"])

    approve = ApprovalOperator(
        task_id="approve",
        subject="Apply plan {{ ti.xcom_pull('plan')['plan_id'] }}?",
        body="{% set plan = ti.xcom_pull('plan') %}"
        "**{{ plan['counts']['update'] }} updates, {{ plan['counts']['delete'] }} removals.** Read it before:\n\n"
        "`readstate show {{ plan['plan_dir'] }}`",
    )
    apply = ApplyPlanOperator(
        task_id="apply",
        plan="{{ ti.xcom_pull('plan')['plan_dir'] }}",
        # The approval's text has shown this number.
        confirm_deletes="{{ ti.xcom_pull('plan')['counts']['delete'] or '' }}",
        pool=POOL,
        **common,
    )
    verify = ReadstateOperator(
        task_id="verify", words=["verify", "{{ ti.xcom_pull('apply')['run_dir'] }}", "--json"], **common
    )
    has_changes(plan.output) >> approve >> apply >> verify
