"""Runs on disk, and the lock between them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readstate.changes.runs.directory import (
    RunDirectory,
    create_run,
    find_run,
    lock_holder,
    name_run,
    refuse_consumed,
    target_lock,
)
from readstate.changes.runs.journal import create_journal
from readstate.errors import BadInput, LocalDisk, Locked, PlanUnusable
from tests.helpers.journals import header
from tests.helpers.plans import TARGET

NOW = datetime(2026, 11, 23, 14, 15, 16, tzinfo=UTC)


def begun(work_dir: Path, run_id: str, plan_id: str = "p-1") -> RunDirectory:
    run = create_run(work_dir, run_id)
    create_journal(run.journal, header(run_id=run_id, plan_id=plan_id)).close()
    return run


def test_a_run_is_private_and_its_name_tells_when_it_began(tmp_path: Path) -> None:
    run_id = name_run(NOW)

    run = create_run(tmp_path, run_id)

    assert run_id.startswith("r-20261123T141516Z-")
    assert run.path.stat().st_mode & 0o777 == 0o700
    assert name_run(NOW + timedelta(milliseconds=5)) > run_id


def test_a_run_is_found_by_directory_by_id_and_as_the_last_one(tmp_path: Path) -> None:
    first, second = begun(tmp_path, "r-20261123T141516Z-aaaa"), begun(tmp_path, "r-20261123T141517Z-0000")

    assert find_run(str(first.path), tmp_path).path == first.path
    assert find_run(first.run_id, tmp_path).path == first.path
    assert find_run("last", tmp_path).path == second.path


def test_an_unknown_run_is_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No run was begun yet"):
        find_run("last", tmp_path)
    begun(tmp_path, "r-20261123T141516Z-aaaa")

    with pytest.raises(BadInput, match="r-20261123T141516Z-aaaa"):
        find_run("r-nowhere", tmp_path)


def test_a_plan_is_begun_once(tmp_path: Path) -> None:
    run = begun(tmp_path, "r-20261123T141516Z-aaaa", plan_id="p-1")
    damaged = create_run(tmp_path, "r-20261123T141516Z-bbbb")
    damaged.journal.write_bytes(b"no database")

    refuse_consumed("p-2", tmp_path)
    with pytest.raises(PlanUnusable, match=f"readstate resume {run.run_id}"):
        refuse_consumed("p-1", tmp_path)


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


def test_a_folder_that_cannot_be_made_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalDisk, match="--work-dir"):
        create_run(tmp_path / "file", "r-1")
    with pytest.raises(LocalDisk), target_lock(tmp_path / "file", TARGET, run_id="r-1", holder={}):
        raise AssertionError("there is no lock")
    with pytest.raises(LocalDisk):
        RunDirectory(tmp_path / "nowhere").free_bytes()
