"""Who may let a plan be carried out: somebody else than its author, and for this very plan."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.model.approval import Approval, Approvals, ask_approvals
from readstate.model.guards import GuardKind
from readstate.model.plan import Manifest
from tests.helpers.plans import NOW, plan_row, written_plan


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """A plan that ann made."""
    return written_plan(tmp_path, plan_row(0)).manifest


def approval_of(manifest: Manifest, os_user: str) -> Approval:
    return Approval(
        plan_id=manifest.plan_id, plan_sha256=manifest.plan_sha256, os_user=os_user, host="desk", approved_at=NOW
    )


def test_somebody_else_than_the_author_lets_a_plan_pass(manifest: Manifest) -> None:
    approvals = Approvals([approval_of(manifest, "ann"), approval_of(manifest, "bob"), approval_of(manifest, "bob")])

    guard = ask_approvals(manifest, approvals, directory="plans/p-1")

    assert (guard.passed, guard.needs, guard.message) == (True, None, "approved by bob")


@pytest.mark.parametrize("author", ["ann", "Ann"])
def test_the_author_alone_does_not_whatever_the_machine(author: str, manifest: Manifest) -> None:
    approval = replace(approval_of(manifest, author), host="another desk")

    guard = ask_approvals(manifest, Approvals([approval]), directory="plans/p-1")

    assert not guard.passed
    assert guard.message == "only ann, who made the plan, has approved it"


def test_a_plan_that_nobody_approved_says_who_has_to_type_what(manifest: Manifest) -> None:
    guard = ask_approvals(manifest, Approvals(of_others=1, unreadable=["x.json is damaged"]), directory="plans/p-1")

    assert (guard.name, guard.kind, guard.passed) == ("approval", GuardKind.APPROVAL, False)
    assert guard.message.startswith("nobody has approved it; somebody else than ann")
    assert "1 beside it approved another plan" in guard.message
    assert guard.message.endswith("x.json is damaged")
    assert guard.needs == "readstate approve plans/p-1"


def test_an_approval_is_for_one_plan(manifest: Manifest) -> None:
    approval = approval_of(manifest, "bob")

    assert approval.is_for(manifest)
    assert not approval.is_for(replace(manifest, plan_sha256="0" * 64))
