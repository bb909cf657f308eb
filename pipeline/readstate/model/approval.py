"""Approval by a second person: who has agreed to a plan, and whether that is somebody else than its author. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from readstate.model.guards import Guard, GuardKind
from readstate.model.plan import Manifest


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What one person said about one plan; the digest says which."""

    plan_id: str
    plan_sha256: str
    os_user: str
    host: str
    ci_url: str | None = None
    approved_at: datetime
    reason: str | None = None

    def is_for(self, manifest: Manifest) -> bool:
        """Whether it was this very plan that was approved: any change of it gives it another digest."""
        return self.plan_sha256 == manifest.plan_sha256

    def is_by_another(self, manifest: Manifest) -> bool:
        """Whether somebody else than the author of the plan approved it, whatever machine either of them sat at."""
        return self.os_user.casefold() != manifest.planner.os_user.casefold()


@dataclass(frozen=True, slots=True)
class Approvals:
    """Everything that lies beside a plan in the place of approvals."""

    of_this_plan: Sequence[Approval] = ()
    of_others: int = 0
    """How many are bound to another digest: of a plan before it was changed, or of quite another one."""
    unreadable: Sequence[str] = ()
    """The files that tell nothing, each with the reason."""


def ask_approvals(manifest: Manifest, approvals: Approvals, *, directory: str) -> Guard:
    """Whether somebody else than its author has approved the plan of *manifest*, which lies in *directory*."""
    author = manifest.planner.os_user
    by_others = [approval for approval in approvals.of_this_plan if approval.is_by_another(manifest)]
    if by_others:
        message = f"approved by {' and '.join(dict.fromkeys(approval.os_user for approval in by_others))}"
    elif approvals.of_this_plan:
        message = f"only {author}, who made the plan, has approved it"
    else:
        message = f"nobody has approved it; somebody else than {author}, who made it, has to"
    if approvals.of_others and not by_others:
        message += f"; {approvals.of_others} beside it approved another plan, or this one before it was changed"
    for unreadable in () if by_others else approvals.unreadable:
        message += f"; {unreadable}"
    return Guard(
        name="approval",
        kind=GuardKind.APPROVAL,
        passed=bool(by_others),
        message=message,
        needs=None if by_others else f"readstate approve {directory}",
    )
