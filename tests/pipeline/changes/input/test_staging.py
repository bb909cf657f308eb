from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.input.staging import Staging
from readstate.errors import LocalDisk
from tests.helpers.linted import CH, Linted, updates


def test_equal_lines_are_carried_out_once_and_unequal_ones_not_at_all() -> None:
    linted = updates(f"a,{CH},1", f"b,{CH},1", f"a,{CH},1", f"b,{CH},2", f"a,{CH},1")

    assert linted.statuses == [None, "conflict", "duplicate", "conflict", "duplicate"]
    assert sorted(linted.codes) == ["W-CONFLICT", "W-CONFLICT", "W-DUP", "W-DUP"]
    assert "line 5" in next(problem for problem in linted.problems if problem.line == 3).message


def test_a_removal_and_an_update_of_one_membership_conflict() -> None:
    linted = Linted(f"user,conversation,op,notification_level\na,{CH},delete,\na,{CH},update,muted\n")

    assert linted.statuses == ["conflict", "conflict"]


@given(st.permutations(["a,x,1", "a,x,1", "b,x,1", "b,x,2", "c,x,1"]))
def test_the_order_of_lines_does_not_change_which_memberships_conflict(lines: list[str]) -> None:
    linted = updates(*lines)

    statuses: dict[str, list[str]] = {}
    for row in linted.rows:
        statuses.setdefault(row[2], []).append(str(row[12]))
    assert {user: sorted(found) for user, found in statuses.items()} == {
        "a": ["None", "duplicate"],
        "b": ["conflict", "conflict"],
        "c": ["None"],
    }


def test_a_folder_that_cannot_be_written_to_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk):
        Staging(tmp_path / "missing")
    staging = Staging(tmp_path)
    staging.close()
    with pytest.raises(LocalDisk):
        staging.write("INSERT INTO duplicate VALUES (?,?,?)", [(1, "", "")])
