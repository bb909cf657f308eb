"""A person between plan and apply: in Airflow's own form where it has one, else by ``readstate approve``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import (
    AirflowOptionalProviderFeatureException,
    BaseSensorOperator,
    Context,
)

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):  # it came with Airflow 3.1
    ApprovalOperator = None

ASKS_IN_AIRFLOW = ApprovalOperator is not None
"""Otherwise the plan's own approval is waited for, and has to be required by whoever applies it."""


class PlanApprovedSensor(BaseSensorOperator):
    """Waits until somebody has typed ``readstate approve`` for the plan in *plan*, as it is now."""

    template_fields: Sequence[str] = ("plan", "plan_sha256")

    def __init__(self, *, plan: str, plan_sha256: str, **more: Any) -> None:
        super().__init__(**more)
        self.plan, self.plan_sha256 = plan, plan_sha256

    def poke(self, context: Context) -> bool:
        """Whether an approval lies beside the plan; who gave it is judged by ``readstate apply``."""
        self.log.info("To approve:  readstate approve %s", self.plan)
        return any(self._is_for_it(path) for path in sorted(Path(self.plan).glob("approvals/*.json")))

    def _is_for_it(self, path: Path) -> bool:
        try:
            return bool(json.loads(path.read_bytes())["plan_sha256"] == self.plan_sha256)
        except (OSError, ValueError, LookupError, TypeError) as error:
            self.log.warning("%s cannot be read: %s", path, error)
            return False


def approval_of(plan_task_id: str, **more: Any) -> Any:
    """The task that waits for a person to agree to what the task *plan_task_id* has planned."""
    pushed = f"ti.xcom_pull('{plan_task_id}')"
    if ASKS_IN_AIRFLOW:
        return ApprovalOperator(
            subject=f"Apply plan {{{{ {pushed}['plan_id'] }}}}?",
            body=f"{{% set plan = {pushed} %}}"
            "**{{ plan['counts']['update'] }} updates, {{ plan['counts']['delete'] }} removals.** Read it before:\n\n"
            "`{{ plan['plan_dir'] }}/summary.html`",
            **more,
        )
    return PlanApprovedSensor(
        plan=f"{{{{ {pushed}['plan_dir'] }}}}",
        plan_sha256=f"{{{{ {pushed}['plan_sha256'] }}}}",
        mode="reschedule",
        **more,
    )
