"""The operators for what is done afterwards: report, verify, undo, forget. None of them can write to Twilio."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from readstate_jobs.airflow.base_operator import ReadstateOperator, option
from readstate_jobs.airflow.change_operators import PlanningOperator
from readstate_jobs.airflow.links import ReportLink
from readstate_jobs.airflow.process.parent_process import CommandResult
from readstate_jobs.airflow.snapshot_operators import due_day


class ReportOperator(ReadstateOperator):
    """Write the page of the snapshot of *date* below *root*, or of the folder *run* of a run; the link leads to it.

    *date* is the day in UTC on which the DAG's run fell due, unless given. The page is *out*, a path or a URI; unless
    given it is ``<run>/report.html``, or ``<root>/<date>.html`` with an index of all dates beside it.
    """

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "root", "run", "date", "out")
    operator_extra_links = (ReportLink(),)

    def __init__(
        self,
        *,
        root: str | None = None,
        run: str | None = None,
        date: str | None = None,
        out: str | None = None,
        twilio_conn_id: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(twilio_conn_id=twilio_conn_id, **more)
        if (root is None) == (run is None):
            raise ValueError("a report is about either a root or a run")
        self.root, self.run, self.date, self.out = root, run, date, out

    def arguments(self, context: Context) -> list[str]:
        """Return ``report`` and its options."""
        page = self._page(context)
        if self.root is None:
            return ["report", str(self.run), "--out", page, *self.options]
        where = ["--out", page] if self.out else ["--all"]
        return ["report", self.root, "--date", self.date or due_day(context), *where, *self.options]

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return the page's path, and its address where a web server is known to show it."""
        page = self._page(context)
        return {"report": page, "url": self._link_page(page)}

    def _page(self, context: Context) -> str:
        if self.out:
            return self.out
        return f"{self.run}/report.html" if self.root is None else f"{self.root}/{self.date or due_day(context)}.html"


class VerifyOperator(ReadstateOperator):
    """Read back what *run* has changed, or the share *sample* of it, and fail where it is not as the run left it."""

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "run", "sample")

    def __init__(self, *, run: str, sample: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.run, self.sample = run, sample

    def arguments(self, context: Context) -> list[str]:
        """Return ``verify`` and its options."""
        return ["verify", self.run, *option("--sample", self.sample), *self.options, "--json"]

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return how many rows were checked, and how many are in which state."""
        return {name: result.document[name] for name in ("run_id", "run_dir", "checked", "counts", "exit_code")}


class UndoOperator(PlanningOperator):
    """Write a plan below *plans* that reverses *run* where its values still stand. Nothing is changed.

    A read horizon that was not set before the run cannot be cleared: it is left, or set to *first_set_to*.
    """

    template_fields: Sequence[str] = (*PlanningOperator.template_fields, "run", "first_set_to")

    def __init__(self, *, run: str, first_set_to: int | str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.run, self.first_set_to = run, first_set_to

    def arguments(self, context: Context) -> list[str]:
        """Return ``undo`` and its options."""
        first = option("--first-set-to", self.first_set_to)
        return ["undo", self.run, "--out", self.plans, *first, *self.options, "--json"]


class ForgetOperator(ReadstateOperator):
    """Delete the personal data of plans below *plans*, and of their runs, that were not used for *retain*: ``90d``.

    Where *retain* is empty, nothing is deleted and the task is skipped.
    """

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "plans", "retain")

    def __init__(self, *, plans: str, retain: str | None, twilio_conn_id: str | None = None, **more: Any) -> None:
        super().__init__(twilio_conn_id=twilio_conn_id, **more)
        self.plans, self.retain = plans, retain

    def arguments(self, context: Context) -> list[str]:
        """Return ``forget`` and its options."""
        if not self.retain:
            raise AirflowSkipException(f"{self.plans}: retain is not set, so every plan and run stays")
        return ["forget", "--retain", self.retain, "--plans", self.plans, "--yes", *self.options, "--json"]

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return how many plans and runs were forgotten."""
        return {"forgotten": len(result.document["forgotten"])}
