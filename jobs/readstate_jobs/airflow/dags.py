"""Two DAGs to call from a file in Airflow's DAG folder.

`nightly` publishes a snapshot of each account, and removes what is too old. `bulk` changes many memberships, with a
person's approval between plan and apply. These Airflow variables are read when a task runs:

* ``readstate_accounts``: a JSON list; each has ``root`` and may have ``twilio_conn_id``, ``shards``, and ``keep``, the
  number of newest snapshots that stay
* ``readstate_work_dir``: a folder that all workers share, where a killed task is resumed
* ``readstate_plans``: a folder for plans that all workers share
* ``readstate_forget_after``: the age, such as ``90d``, at which plans and runs lose their personal data
* ``readstate_web_addresses``: a JSON mapping of folders and buckets to the web servers that show them, for links
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, AssetAlias, Param, TriggerRule, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from readstate_jobs.airflow.change_operators import ApplyPlanOperator, PlanChangesOperator
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.review_operators import ForgetOperator, ReportOperator, VerifyOperator
from readstate_jobs.airflow.snapshot_operators import (
    CheckSnapshotOperator,
    CompareSnapshotsOperator,
    ExportSnapshotOperator,
    PruneSnapshotsOperator,
    PublishSnapshotOperator,
    due_day,
)

ACCOUNTS = """{{ var.value.get('readstate_accounts', '[{"root": "/data/conversations"}]') }}"""
WORK_DIR = "{{ var.value.get('readstate_work_dir', '/data/readstate-work') }}"
PLANS = "{{ var.value.get('readstate_plans', '/data/readstate-plans') }}"
FORGET_AFTER = "{{ var.value.get('readstate_forget_after', '') }}"
WEB_ADDRESSES = "{{ var.value.get('readstate_web_addresses', '{}') }}"

SNAPSHOTS = AssetAlias(name="readstate_snapshots")
"""Each snapshot that passes its check adds the asset ``<root>/user_conversations`` to this alias."""

RETRIES: dict[str, Any] = {
    "retries": 5,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
}


@task
def list_accounts(accounts: str, **context: Any) -> list[dict[str, Any]]:
    """Return the accounts to export, each with the date of its snapshot and the name of its run."""
    day = due_day(context)
    defaults = {"twilio_conn_id": TwilioConversationsHook.default_conn_name, "shards": 1, "keep": None}
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


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
def fail_the_night() -> None:
    """Fail the whole run: the tasks after a failed one run too, and would make it a success."""
    raise AirflowFailException("a task has failed; its log says why")


def _publish_arguments(account: dict[str, Any]) -> dict[str, Any]:
    if int(account["shards"]) == 1:
        raise AirflowSkipException("the only process has published the snapshot")
    return {"root": account["root"], "run": account["run"]}


def _snapshot_arguments(account: dict[str, Any]) -> dict[str, Any]:
    return {"root": account["root"], "date": account["date"]}


def _prune_arguments(account: dict[str, Any]) -> dict[str, Any]:
    return {"root": account["root"], "keep": account["keep"]}


def nightly(
    *,
    dag_id: str = "readstate_nightly",
    schedule: Any = "0 1 * * *",
    pool: str = "default_pool",
    on_failure: Any = None,
    **more: Any,
) -> DAG:
    """Return the DAG that exports, publishes, checks, compares, reports and prunes; it goes on after a failure.

    *pool* limits the accounts that are read at once. *on_failure* is a notifier, or a list of them, for a night in
    which any task has failed. *more* goes to `DAG`.
    """
    with _dag(dag_id, schedule=schedule, on_failure_callback=on_failure, **more) as dag:
        accounts = list_accounts(ACCOUNTS)
        export_shard = ExportSnapshotOperator.partial(
            task_id="export_shard",
            pool=pool,
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
        report = ReportOperator.partial(task_id="report", web_addresses=WEB_ADDRESSES, **each).expand_kwargs(snapshots)
        prune = PruneSnapshotsOperator.partial(task_id="prune", **each).expand_kwargs(accounts.map(_prune_arguments))
        forget = ForgetOperator(
            task_id="forget", plans=PLANS, retain=FORGET_AFTER, work_dir=WORK_DIR, trigger_rule=TriggerRule.ALL_DONE
        )
        export_shard >> publish >> check >> compare >> report >> prune >> forget
        [export_shard, publish, check, compare, report, prune, forget] >> fail_the_night()
    return dag


def bulk(
    *,
    dag_id: str = "readstate_bulk",
    pool: str = "default_pool",
    on_failure: Any = None,
    approval: Mapping[str, Any] | None = None,
    **more: Any,
) -> DAG:
    """Return the DAG that plans the changes of a file, waits for an approval, applies the plan, and verifies it.

    *on_failure* is a notifier, or a list of them. *approval* has more arguments of Airflow's ``ApprovalOperator``:
    ``assigned_users``, ``notifiers``, ``response_timeout``. *more* goes to `DAG`.
    """
    params = {
        # Without a default: Airflow's form does not start a run before the file is named.
        "file": Param(type="string", pattern=r"\S", title="Changes file", description="A CSV that all workers see."),
        "operation": Param("update", enum=["update", "delete"], title="The operation of every line"),
        "twilio_conn_id": Param(TwilioConversationsHook.default_conn_name, type="string", title="Connection"),
    }
    with _dag(dag_id, schedule=None, params=params, on_failure_callback=on_failure, **more) as dag:
        common: dict[str, Any] = {"twilio_conn_id": "{{ params.twilio_conn_id }}", "work_dir": WORK_DIR}
        plan = PlanChangesOperator(
            task_id="plan",
            file="{{ params.file }}",
            operation="{{ params.operation }}",
            plans=PLANS,
            web_addresses=WEB_ADDRESSES,
            **common,
        )

        @task.short_circuit
        def has_changes(planned: dict[str, Any]) -> bool:
            return bool(planned["changes"])

        approve = ApprovalOperator(
            task_id="approve",
            subject="Apply plan {{ ti.xcom_pull('plan')['plan_id'] }}?",
            body="{% set plan = ti.xcom_pull('plan') %}{{ plan['summary'] }}\n\n"
            "{% if plan['url'] %}[All rows]({{ plan['url'] }}), or{% else %}All rows:{% endif %} "
            "`readstate show {{ plan['plan_dir'] }}`",
            **(approval or {}),
        )
        apply = ApplyPlanOperator(
            task_id="apply",
            plan="{{ ti.xcom_pull('plan')['plan_dir'] }}",
            # The approval's text has shown this number.
            confirm_deletes="{{ ti.xcom_pull('plan')['counts']['delete'] or '' }}",
            pool=pool,
            **common,
        )
        run = "{{ ti.xcom_pull('apply')['run_dir'] }}"
        verify = VerifyOperator(task_id="verify", run=run, **common)
        report = ReportOperator(task_id="report", run=run, work_dir=WORK_DIR, web_addresses=WEB_ADDRESSES)
        has_changes(plan.output) >> approve >> apply >> [verify, report]
    return dag


def _dag(dag_id: str, *, default_args: Mapping[str, Any] | None = None, **more: Any) -> DAG:
    given: dict[str, Any] = {
        "start_date": datetime(2026, 1, 1, tzinfo=UTC),
        "catchup": False,
        "max_active_runs": 1,
        "tags": ["readstate"],
        "doc_md": __doc__,
    }
    return DAG(dag_id, default_args={**RETRIES, **(default_args or {})}, **(given | more))
