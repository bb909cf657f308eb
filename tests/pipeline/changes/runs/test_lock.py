from pathlib import Path

import pytest

from readstate.changes.runs.lock import lock_holder, target_lock
from readstate.errors import LocalDisk, Locked
from tests.helpers.plans import TARGET


def test_two_runs_of_one_service_exclude_each_other_and_the_second_hears_who_holds_it(tmp_path: Path) -> None:
    with target_lock(tmp_path, TARGET, run_id="r-1", holder={"os_user": "ann"}):
        with (
            pytest.raises(Locked, match=r'"run": "r-1".*ann'),
            target_lock(tmp_path, TARGET, run_id="r-2", holder={}),
        ):
            raise AssertionError("both have it")
        assert lock_holder(tmp_path, TARGET) == "r-1"

    with target_lock(tmp_path, TARGET, run_id="r-2", holder={}):
        assert lock_holder(tmp_path, TARGET) == "r-2"
    assert lock_holder(tmp_path, TARGET) is None


def test_a_lock_file_that_cannot_be_made_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalDisk), target_lock(tmp_path / "file", TARGET, run_id="r-1", holder={}):
        raise AssertionError("there is no lock")
