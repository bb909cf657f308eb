"""The workspace: one run at a time, and a lock that dies with its process."""

import errno
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from readstate.errors import LocalDisk, Locked
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.workspace import (
    Workspace,
    export_workspace,
    remove_leftovers,
    run_workspace,
    unfinished_exports,
)

DAY = date(2026, 11, 23)
HOLD = (
    "import sys; from datetime import date; from pathlib import Path;"
    "from readstate.snapshot.workspace.workspace import export_workspace\n"
    "with export_workspace(Path(sys.argv[1]), root='root', day=date(2026, 11, 23)):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


def test_a_second_run_of_the_same_date_and_root_is_refused_with_the_holder(tmp_path: Path) -> None:
    with (
        export_workspace(tmp_path, root="root", day=DAY),
        pytest.raises(Locked, match=f"process {os.getpid()}"),
        export_workspace(tmp_path, root="root", day=DAY),
    ):
        pass


def test_unfinished_exports_are_those_to_this_root_that_no_process_holds(tmp_path: Path) -> None:
    for day in (date(2026, 11, 22), date(2026, 11, 21)):
        with export_workspace(tmp_path, root="root", day=day):
            pass
    with export_workspace(tmp_path, root="root", day=date(2026, 11, 20)) as finished:
        finished.remove()

    with (
        export_workspace(tmp_path, root="root", day=DAY),
        export_workspace(tmp_path, root="other", day=date(2026, 11, 19)),
    ):
        assert unfinished_exports(tmp_path, root="root") == [date(2026, 11, 21), date(2026, 11, 22)]
    assert unfinished_exports(tmp_path / "missing", root="root") == []


def test_work_is_named_after_the_place_of_the_root_and_not_after_the_words_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(root: str, *, seen_from: str = "one") -> Path:
        monkeypatch.chdir(tmp_path / seen_from)
        with export_workspace(tmp_path / "work", root=root, day=DAY) as workspace:
            return workspace.folder

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")

    same = ("root/", "./root", "../one//root", str(tmp_path / "one/root"), str(tmp_path / "link/root"))
    assert {folder(root) for root in same} == {folder("root")}
    assert folder("root", seen_from="two") != folder("root")
    assert folder("s3://b/root/") == folder("s3://b/root", seen_from="two") != folder("s3://b/Root")


def _left_by_a_killed_run(workspace: Workspace, *, run_id: str | None, day: date = DAY) -> None:
    if run_id is not None:
        checkpoint = Checkpoint(workspace.checkpoint)
        checkpoint.set(run_id=run_id, options={"snapshot_date": day.isoformat(), "services": ["all"]})
        checkpoint.close()


def _refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_leftovers_are_removed_and_work_that_can_be_resumed_is_not(tmp_path: Path) -> None:
    for day, run_id in ((20, None), (21, "r-published"), (22, "r-unfinished")):
        with export_workspace(tmp_path, root="root", day=date(2026, 11, day)) as left:
            _left_by_a_killed_run(left, run_id=run_id, day=date(2026, 11, day))
    for work, run_id in (("publish", None), ("1-of-2", "nightly"), ("1-of-3", "r-published")):
        with run_workspace(tmp_path, root="root", run_id=run_id or "nightly", work=work) as left:
            _left_by_a_killed_run(left, run_id=run_id, day=date(2026, 11, 21))
    with export_workspace(tmp_path, root="other", day=DAY), export_workspace(tmp_path, root="root", day=DAY) as held:
        remove_leftovers(tmp_path, root="root", published={date(2026, 11, 21): "r-published"}.get)

        assert held.parts.is_dir()
    left = {path.name.rpartition("-")[0] or path.name for path in (tmp_path / "exports").iterdir()}
    assert left == {"2026-11-22", "2026-11-23"}
    assert [path.name[-6:] for path in (tmp_path / "shards").iterdir()] == ["1-of-2"]


def test_work_that_the_disk_does_not_let_go_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with export_workspace(tmp_path, root="root", day=DAY) as workspace:
        _left_by_a_killed_run(workspace, run_id="r")
        (workspace.parts / "part").write_text("rows")
        with monkeypatch.context() as disk:
            disk.setattr(os, "rmdir", _refuse)
            workspace.remove()

        assert not workspace.checkpoint.exists()
    remove_leftovers(tmp_path, root="root", published={}.get)

    assert list((tmp_path / "exports").iterdir()) == []


def test_other_dates_and_other_roots_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with (
        export_workspace(tmp_path, root="root", day=DAY) as first,
        export_workspace(tmp_path, root="root", day=date(2026, 11, 24)) as second,
        export_workspace(tmp_path, root="other", day=DAY) as third,
    ):
        assert len({first.folder, second.folder, third.folder}) == 3


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(Locked), export_workspace(tmp_path, root="root", day=DAY):
        pass

    process.send_signal(signal.SIGKILL)
    process.communicate()

    with export_workspace(tmp_path, root="root", day=DAY) as workspace:
        assert workspace.parts.is_dir()


def test_clearing_forgets_the_work_and_keeps_the_lock(tmp_path: Path) -> None:
    with export_workspace(tmp_path, root="root", day=DAY) as workspace:
        (workspace.parts / "part").write_text("rows")
        workspace.checkpoint.write_text("users")

        workspace.clear()

        assert sorted(path.name for path in workspace.folder.rglob("*")) == ["finished", "lock", "parts"]


def test_a_lock_whose_file_was_removed_meanwhile_is_acquired_again(tmp_path: Path) -> None:
    with export_workspace(tmp_path, root="root", day=DAY) as first:
        first.remove()
        with export_workspace(tmp_path, root="root", day=DAY) as second, pytest.raises(Locked):
            assert second.parts.is_dir()
            with export_workspace(tmp_path, root="root", day=DAY):
                pass


def test_a_work_folder_that_cannot_be_made_says_which_flag_helps(tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("in the way")

    with pytest.raises(LocalDisk, match="--work-dir"), export_workspace(tmp_path, root="root", day=DAY):
        pass


@pytest.mark.parametrize("place", ["", "exports"])
def test_a_work_folder_that_others_may_write_to_is_not_used(tmp_path: Path, place: str) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / place).chmod(0o777)

    with pytest.raises(LocalDisk, match="other users may write to it"), export_workspace(tmp_path, root="r", day=DAY):
        pass

    assert list((tmp_path / "exports").iterdir()) == []
