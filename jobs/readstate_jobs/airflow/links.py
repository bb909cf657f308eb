"""Buttons on a task's page in Airflow: the report that it has written, the plan that it has made."""

from typing import Any

from airflow.sdk import BaseOperatorLink


class _PageLink(BaseOperatorLink):
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the page that *operator* has written; empty where no web server is known to show it."""
        return operator.page_address or ""


class ReportLink(_PageLink):
    """Leads to the page of a `ReportOperator`."""

    name = "Report"


class PlanLink(_PageLink):
    """Leads to the page of a plan."""

    name = "Plan"
