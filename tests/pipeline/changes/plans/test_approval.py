"""Approvals on disk."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from readstate.changes.plans.approval import guards_of, read_approvals, write_approval
from readstate.changes.plans.reader import Plan, open_plan
from readstate.errors import LocalDisk
from readstate.model.guards import Consent
from readstate.model.plan import Planner
from tests.helpers.plans import NOW, plan_row, written_plan

ANN, BOB = Planner(os_user="ann", host="desk"), Planner(os_user="bob", host="desk", ci_url="https://ci.example/7")
REQUIRED = Consent(require_approval=True)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return written_plan(tmp_path, plan_row(0))


def test_an_approval_is_read_back_as_it_was_given(plan: Plan) -> None:
    mine, path = write_approval(plan, BOB, reason="CHG-1234", now=NOW)
    again, _ = write_approval(plan, ANN, reason=None, now=NOW + timedelta(minutes=1))

    assert read_approvals(plan).of_this_plan == [mine, again]
    assert (mine.os_user, mine.reason, mine.plan_id) == ("bob", "CHG-1234", plan.manifest.plan_id)
    assert path.parent == plan.directory / "approvals"
    assert open_plan(plan.directory).manifest == plan.manifest


def test_only_its_giver_can_look_into_an_approval(plan: Plan) -> None:
    before = os.umask(0o000)
    try:
        _, path = write_approval(plan, BOB, reason=None, now=NOW)
    finally:
        os.umask(before)

    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_plan_that_was_changed_and_sealed_anew_has_lost_its_approval(plan: Plan, tmp_path: Path) -> None:
    write_approval(plan, BOB, reason=None, now=NOW)
    changed = written_plan(tmp_path / "changed", plan_row(0, set_index=9))
    (plan.directory / "approvals").rename(changed.directory / "approvals")

    assert [guard.passed for guard in guards_of(changed, REQUIRED) if guard.name == "approval"] == [False]
    assert read_approvals(changed).of_others == 1


def test_what_cannot_be_read_counts_for_nothing_and_is_told(plan: Plan) -> None:
    _, path = write_approval(plan, BOB, reason=None, now=NOW)
    path.write_text('{"plan_id": 1}')
    path.with_name("a.json").mkdir()

    (guard,) = (guard for guard in guards_of(plan, REQUIRED) if guard.name == "approval")

    assert not guard.passed
    assert f"{path.name} cannot be read" in guard.message
    assert "a.json cannot be read (Is a directory)" in guard.message


def test_approval_is_asked_for_only_where_somebody_wants_it(plan: Plan) -> None:
    names = [[guard.name for guard in guards_of(plan, consent)] for consent in (Consent(), REQUIRED)]

    assert names == [["max-rows"], ["max-rows", "approval"]]


def test_a_folder_that_cannot_be_written_to_is_told(plan: Plan) -> None:
    (plan.directory / "approvals").write_text("")

    with pytest.raises(LocalDisk, match="approvals"):
        write_approval(plan, BOB, reason=None, now=NOW)
