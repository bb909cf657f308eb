"""The operators that plan changes, and the one that applies a plan."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context

from readstate_jobs.airflow.base_operator import ReadstateOperator, option
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.links import PlanLink
from readstate_jobs.airflow.process.parent_process import CommandResult
from readstate_jobs.airflow.snapshot_operators import GRACE


class PlanningOperator(ReadstateOperator):
    """A task that writes a plan below *plans*; its link leads to the plan's page."""

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "plans")
    operator_extra_links = (PlanLink(),)

    def __init__(self, *, plans: str, **more: Any) -> None:
        super().__init__(**more)
        self.plans = plans

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return the plan's folder, page, summary and counters, and the flags that its guards need."""
        document = result.document
        known = ("plan_id", "plan_dir", "plan_sha256", "expires_at", "service_sid", "rows", "counts")
        folder = Path(document["plan_dir"])
        return {
            **{name: document[name] for name in known},
            "changes": document["counts"]["update"] + document["counts"]["delete"],
            "needs": [guard["needs"] for guard in document["guards"] if guard["needs"]],
            "summary": without_rows((folder / "summary.md").read_text(encoding="utf-8")),
            "url": self._link_page(str(folder / "summary.html")),
        }


class _ServicePlanningOperator(PlanningOperator):
    """A task that plans changes of *service*, or of the connection's."""

    template_fields: Sequence[str] = (*PlanningOperator.template_fields, "service")

    def __init__(self, *, service: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.service = service

    def _planning_options(self) -> list[str]:
        assert self.twilio_conn_id is not None, "a plan needs a connection"
        service = self.service or TwilioConversationsHook(self.twilio_conn_id).service_sid()
        return ["--out", self.plans, *option("--service", service), *self.options, "--json"]


class PlanChangesOperator(_ServicePlanningOperator):
    """Compare the changes file *file* with Twilio, and write a plan below *plans*. Nothing is changed."""

    template_fields: Sequence[str] = (*_ServicePlanningOperator.template_fields, "file", "operation")

    def __init__(self, *, file: str, operation: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.file, self.operation = file, operation

    def arguments(self, context: Context) -> list[str]:
        """Return ``plan`` and its options."""
        return ["plan", self.file, *option("--op", self.operation or None), *self._planning_options()]


class MarkReadOperator(_ServicePlanningOperator):
    """Select conversations, and write a plan below *plans* that marks them as read. Nothing is changed.

    *users_file* names the users, all unless given; the conditions of ``readstate mark-read`` are *options*.
    """

    template_fields: Sequence[str] = (*_ServicePlanningOperator.template_fields, "users_file")

    def __init__(self, *, users_file: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.users_file = users_file

    def arguments(self, context: Context) -> list[str]:
        """Return ``mark-read`` and its options."""
        users = ["--all"] if self.users_file is None else ["--users", self.users_file]
        return ["mark-read", *users, *self._planning_options()]


class ApplyPlanOperator(ReadstateOperator):
    """Apply the plan in *plan*: what it shows, and nothing else.

    A try after a kill resumes the run, as long as it finds *work_dir*. *options* are those of ``readstate apply``:
    consent, limits, canary.
    """

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "plan", "confirm_deletes")

    def __init__(self, *, plan: str, confirm_deletes: int | str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.plan, self.confirm_deletes = plan, confirm_deletes

    def arguments(self, context: Context) -> list[str]:
        """Return ``apply`` and its options."""
        return [
            "apply", self.plan, "--go-on", "--grace", GRACE,
            *option("--confirm-deletes", self.confirm_deletes), *self.options, "--json",
        ]  # fmt: skip

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return the run's folder and how many rows had which outcome."""
        known = ("run_id", "run_dir", "plan_id", "counts", "results", "exit_code")
        return {name: result.document[name] for name in known}


def without_rows(summary: str) -> str:
    """Return a plan's *summary* in Markdown without its table of rows: counters and guards, for whoever approves."""
    return re.split(r"^[\d ]+ of [\d ]+ rows", summary, maxsplit=1, flags=re.MULTILINE)[0].strip()
