"""Carries out an approval: checks the plan, writes down who agreed."""

import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jobs.who import ci_url, os_user
from pipeline.changes.approval import write_approval
from pipeline.changes.plan_file import Plan, check_age, open_plan
from pipeline.clock import SystemClock
from pipeline.model.approval import Approval
from pipeline.model.plan import Planner


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan, and what was said about it."""

    plan: Plan
    approval: Approval
    file: Path

    @property
    def by_another(self) -> bool:
        """Whether it was somebody else than the author."""
        return self.approval.is_by_another(self.plan.manifest)


def approve(directory: Path, *, reason: str | None) -> Approved:
    """Approve the plan in *directory* in the name of whoever runs this.

    Raises `BadInput`, `PlanUnusable` also where it has expired, `LocalDisk`.
    """
    plan, now = open_plan(directory), SystemClock().now()
    check_age(plan.manifest, now + timedelta(seconds=plan.manifest.server_date_offset_s))
    me = Planner(os_user=os_user(), host=socket.gethostname(), ci_url=ci_url())
    approval, file = write_approval(plan, me, reason=reason, now=now)
    return Approved(plan, approval, file)
