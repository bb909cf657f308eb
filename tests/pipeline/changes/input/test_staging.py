import gc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.input.intents import Intent
from readstate.changes.input.staging import SAME_WORDS, DuplicateLine, Staging
from readstate.errors import Damaged, LocalDisk
from readstate.model.desired import Removal
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


def test_a_membership_that_is_named_very_often_is_not_held_in_memory(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.add(Intent(line, line, "anna", CH, Removal()) for line in range(2, 30_002))

    duplicates = staging.find_duplicates(SAME_WORDS)
    first = next(duplicates)
    held = sum(isinstance(found, DuplicateLine) for found in gc.get_objects())

    assert first.line == 3
    assert held <= 1_000
    assert sum(1 for _ in duplicates) == 29_998
    staging.close()


def test_a_folder_that_cannot_be_written_to_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk):
        Staging(tmp_path / "missing")
    staging = Staging(tmp_path)
    staging.database.execute("PRAGMA max_page_count = 4")
    with pytest.raises(LocalDisk, match="full"):
        staging.write("INSERT INTO duplicate VALUES (?,?,?)", ((line, "", "x" * 99) for line in range(1_000)))


def test_bytes_of_another_are_told_as_damage(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.write("INSERT INTO duplicate VALUES (?,?,?)", [(line, "", "x" * 99) for line in range(10_000)])
    staging.database.execute("PRAGMA cache_size = 0")
    with (tmp_path / "staging.sqlite").open("r+b") as file:
        file.seek(16_384)
        file.write(b"\xff" * 400_000)

    with pytest.raises(Damaged, match="the staging file is damaged"):
        list(staging.select("SELECT * FROM duplicate"))
