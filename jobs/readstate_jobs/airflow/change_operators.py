"""The operators that plan changes, and the one that carries a plan out."""

from collections.abc import Sequence
from typing import Any

from airflow.providers.common.compat.sdk import Context

from readstate_jobs.airflow.base_operator import ReadstateOperator
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.parent_process import Ending
from readstate_jobs.airflow.snapshot_operators import SECONDS_TO_END


class _PlanningOperator(ReadstateOperator):
    """What both ways to a plan share."""

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "plans", "service")

    def __init__(self, *, plans: str, service: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.plans, self.service = plans, service

    def answer(self, ending: Ending, context: Context) -> dict[str, Any]:
        """The plan's folder and counters, and what its guards will want to hear."""
        document = ending.document
        known = ("plan_id", "plan_dir", "plan_sha256", "expires_at", "service_sid", "rows", "counts")
        return {
            **{name: document[name] for name in known},
            "changes": document["counts"]["update"] + document["counts"]["delete"],
            "needs": [guard["needs"] for guard in document["guards"] if guard["needs"]],
        }

    def _where(self) -> list[str]:
        assert self.twilio_conn_id is not None, "a plan needs a connection"
        service = self.service or TwilioConversationsHook(self.twilio_conn_id).service_sid()
        return ["--out", self.plans, *(["--service", service] if service else []), *self.options, "--json"]


class PlanChangesOperator(_PlanningOperator):
    """Compares the changes file *file* with Twilio, and writes a plan below *plans*. Nothing is changed."""

    template_fields: Sequence[str] = (*_PlanningOperator.template_fields, "file", "operation")

    def __init__(self, *, file: str, operation: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.file, self.operation = file, operation

    def command(self, context: Context) -> list[str]:
        """``readstate plan``."""
        return ["plan", self.file, *(["--op", self.operation] if self.operation else []), *self._where()]


class MarkReadOperator(_PlanningOperator):
    """Chooses conversations, and writes a plan below *plans* that marks them as read. Nothing is changed.

    Whose and which: *users_file*, or everybody's; the conditions of ``readstate mark-read`` are *options*.
    """

    template_fields: Sequence[str] = (*_PlanningOperator.template_fields, "users_file")

    def __init__(self, *, users_file: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.users_file = users_file

    def command(self, context: Context) -> list[str]:
        """``readstate mark-read``."""
        users = ["--all"] if self.users_file is None else ["--users", self.users_file]
        return ["mark-read", *users, *self._where()]


class ApplyPlanOperator(ReadstateOperator):
    """Carries out the plan in *plan*: exactly what it shows, to exactly those rows, once.

    A try after a kill goes on with the run that was begun, as long as it finds *work_dir*. *options* are those of
    ``readstate apply``: consent, limits, care.
    """

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "plan", "confirm_deletes")

    def __init__(
        self,
        *,
        plan: str,
        confirm_deletes: int | str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.plan, self.confirm_deletes = plan, confirm_deletes

    def command(self, context: Context) -> list[str]:
        """``readstate apply``."""
        return [
            "apply", self.plan, "--go-on", "--grace", SECONDS_TO_END,
            *([] if self.confirm_deletes in {None, ""} else ["--confirm-deletes", str(self.confirm_deletes)]),
            *self.options, "--json",
        ]  # fmt: skip

    def answer(self, ending: Ending, context: Context) -> dict[str, Any]:
        """The run's folder and how many rows had which outcome."""
        document = ending.document
        return {name: document[name] for name in ("run_id", "run_dir", "plan_id", "counts", "results", "exit_code")}
