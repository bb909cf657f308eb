import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.changes.runs.directory import create_run
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


def test_a_run_with_another_work_folder_is_seen_and_its_process_named(tmp_path: Path) -> None:
    target = replace(TARGET, base_url=f"http://{tmp_path}")
    with target_lock(tmp_path / "one", target, run_id="r-1", holder={}) as sees_machine:
        assert sees_machine
        with (
            pytest.raises(Locked, match=f"process {os.getpid()} of the user .*, with another work folder"),
            target_lock(tmp_path / "two", target, run_id="r-2", holder={}),
        ):
            raise AssertionError("both have it")
        with target_lock(tmp_path / "two", replace(target, service_sid="IS"), run_id="r-3", holder={}):
            pass
    with target_lock(tmp_path / "two", target, run_id="r-2", holder={}):
        pass


def test_all_addresses_of_twilio_lead_to_one_account(tmp_path: Path) -> None:
    target = replace(TARGET, account_sid=str(tmp_path))
    with target_lock(tmp_path / "one", target, run_id="r-1", holder={}):
        other = replace(target, base_url="https://conversations.ashburn.us1.twilio.com")
        with pytest.raises(Locked), target_lock(tmp_path / "two", other, run_id="r-2", holder={}):
            raise AssertionError("both have it")


def test_names_from_a_damaged_file_stay_in_the_folder_of_locks(tmp_path: Path) -> None:
    target = replace(TARGET, account_sid="../../../AC", service_sid="../IS")
    with target_lock(tmp_path / "work", target, run_id="r-1", holder={}):
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["locks"]
        assert len(list((tmp_path / "work" / "locks").iterdir())) == 1


def test_a_lock_file_that_cannot_be_made_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalDisk), target_lock(tmp_path / "file", TARGET, run_id="r-1", holder={}):
        raise AssertionError("there is no lock")


def test_a_work_folder_that_others_may_write_to_gets_no_lock_and_no_run(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    with (
        pytest.raises(LocalDisk, match="other users may write to it"),
        target_lock(tmp_path, TARGET, run_id="r", holder={}),
    ):
        pass
    with pytest.raises(LocalDisk, match="other users may write to it"):
        create_run(tmp_path, "r-20261123T140000Z-ab12")

    assert list(tmp_path.iterdir()) == []
