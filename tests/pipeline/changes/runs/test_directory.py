import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readstate.changes.runs import journal
from readstate.changes.runs.directory import (
    RunDirectory,
    begin_run,
    create_run,
    find_run,
    name_run,
    require_unused_plan,
)
from readstate.errors import BadInput, LocalDisk, PlanUnusable
from tests.helpers.journals import header

NOW = datetime(2026, 11, 23, 14, 15, 16, tzinfo=UTC)


def begun(work_dir: Path, run_id: str, plan_id: str = "p-1") -> RunDirectory:
    run, opened = begin_run(work_dir, header(run_id=run_id, plan_id=plan_id))
    opened.close()
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
    with pytest.raises(BadInput, match="No run was started in"):
        find_run("last", tmp_path)
    begun(tmp_path, "r-20261123T141516Z-aaaa")

    with pytest.raises(BadInput, match="r-20261123T141516Z-aaaa"):
        find_run("r-nowhere", tmp_path)


def test_a_plan_is_begun_once(tmp_path: Path) -> None:
    run = begun(tmp_path, "r-20261123T141516Z-aaaa", plan_id="p-1")

    require_unused_plan("p-2", NOW, tmp_path)
    with pytest.raises(PlanUnusable, match=f"readstate resume {run.run_id}"):
        require_unused_plan("p-1", NOW, tmp_path)


def test_a_damaged_run_may_have_been_of_each_plan_that_is_older(tmp_path: Path) -> None:
    damaged = create_run(tmp_path, "r-20261123T141516Z-bbbb")
    damaged.journal.write_bytes(b"no database")

    require_unused_plan("p-1", NOW + timedelta(seconds=1), tmp_path)
    with pytest.raises(PlanUnusable, match=rf"may have been started by run {damaged.run_id}.*\n.*Plan the same file"):
        require_unused_plan("p-1", NOW, tmp_path)


def test_a_run_whose_journal_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(journal, "sync_folder", refuse)
    with pytest.raises(LocalDisk, match="Input/output error"):
        begin_run(tmp_path, header(run_id="r-20261123T141516Z-aaaa"))

    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalDisk, match="--work-dir"):
        create_run(tmp_path / "file", "r-1")
    with pytest.raises(LocalDisk):
        RunDirectory(tmp_path / "nowhere").free_bytes()
