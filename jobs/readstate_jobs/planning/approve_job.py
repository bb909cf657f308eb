"""Carries out an approval: checks the plan, writes down who agreed."""

import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from readstate.changes.plans.approval import write_approval
from readstate.changes.plans.reader import Plan, check_age, open_plan
from readstate.clock import SystemClock
from readstate.model.approval import Approval
from readstate.model.plan import Planner
from readstate_jobs.cli.caller import ci_url, os_user


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
