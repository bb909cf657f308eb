"""Approvals of a plan: small files in a folder beside its rows, each bound to the plan by its digest.

A digest is integrity and no authority: whoever may write into the plan's folder can write an approval, too. It keeps
honest people from carrying out what only one of them has seen, and tells the auditor who they were.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from readstate.changes.plans.reader import Plan
from readstate.changes.plans.writer import write_private
from readstate.errors import LocalDisk
from readstate.model.approval import Approval, Approvals, ask_approvals
from readstate.model.guards import Consent, Guard, evaluate
from readstate.model.plan import Planner

APPROVALS = "approvals"


def write_approval(plan: Plan, by: Planner, *, reason: str | None, now: datetime) -> tuple[Approval, Path]:
    """Write down that *by* has approved *plan*. Raises `LocalDisk`."""
    approval = Approval(
        plan_id=plan.manifest.plan_id,
        plan_sha256=plan.manifest.plan_sha256,
        os_user=by.os_user,
        host=by.host,
        ci_url=by.ci_url,
        approved_at=now,
        reason=reason,
    )
    folder = plan.directory / APPROVALS
    path = folder / f"{now:%Y%m%dT%H%M%S.%fZ}.json"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_private(path, msgspec.json.format(msgspec.json.encode(approval), indent=2) + b"\n")
    except OSError as error:
        raise LocalDisk(
            f"{path}: {error.strerror or error}", hint="Approve a copy of the folder, and hand back the file."
        ) from error
    return approval, path


def read_approvals(plan: Plan) -> Approvals:
    """Every approval beside *plan*; what cannot be read is told and counts for nothing."""
    mine: list[Approval] = []
    others, unreadable = 0, list[str]()
    for path in sorted((plan.directory / APPROVALS).glob("*.json")):
        try:
            approval = msgspec.json.decode(path.read_bytes(), type=Approval)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            unreadable.append(f"{path.name} cannot be read ({getattr(error, 'strerror', None) or error})")
            continue
        if approval.is_for(plan.manifest):
            mine.append(approval)
        else:
            others += 1
    return Approvals(mine, others, unreadable)


def guards_of(plan: Plan, consent: Consent) -> list[Guard]:
    """What every guard says about *plan*: those about its numbers and, where it is wanted, approval."""
    guards = evaluate(plan.manifest.guard_inputs, consent)
    if consent.require_approval:
        guards.append(ask_approvals(plan.manifest, read_approvals(plan), directory=str(plan.directory)))
    return guards
