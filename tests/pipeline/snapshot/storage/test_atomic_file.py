"""A file is whole under its name or not there at all."""

import os
import stat
from pathlib import Path

import pytest

from readstate.errors import LocalDisk
from readstate.snapshot.storage import atomic_file as local_files
from readstate.snapshot.storage.atomic_file import whole_file


def test_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "part"
    with whole_file(path) as file:
        file.write(b"rows")
        assert not path.exists()

    assert path.read_bytes() == b"rows"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    with whole_file(tmp_path / "part"):
        pass

    assert stat.S_IMODE((tmp_path / "part").stat().st_mode) == 0o600


def test_failure_leaves_nothing_and_the_earlier_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"earlier")
    with pytest.raises(KeyError), whole_file(path) as file:
        file.write(b"half of it")
        raise KeyError

    assert path.read_bytes() == b"earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_two_who_write_it_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "part"
    with whole_file(path) as one:
        one.write(b"o")
        with whole_file(path) as other:
            other.write(b"the other")
        assert path.read_bytes() == b"the other"
        one.write(b"ne")

    assert path.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_what_a_killed_process_left_behind_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / ".part.unfinished").write_bytes(b"longer than what comes")
    with whole_file(tmp_path / "part") as file:
        file.write(b"rows")

    assert (tmp_path / "part").read_bytes() == b"rows"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_what_another_has_just_finished_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """He gave it its name between our opening of the same file and our lock on it."""
    path, lock = tmp_path / "part", local_files.fcntl.flock

    def after_him(descriptor: int, operation: int) -> None:
        if not path.exists():
            path.with_name(".part.unfinished").replace(path)
            path.write_bytes(b"his")
        lock(descriptor, operation)

    monkeypatch.setattr(local_files.fcntl, "flock", after_him)
    with whole_file(path) as file:
        assert path.read_bytes() == b"his"
        file.write(b"ours")

    assert path.read_bytes() == b"ours"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_bytes_are_durable_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    path = tmp_path / "part"
    monkeypatch.setattr(local_files.os, "fsync", lambda descriptor: synced.append(path.exists()))

    with whole_file(path):
        pass

    assert synced == [False, True], "first the file without its name, then the folder with it"


def test_full_disk_is_told_with_a_hint(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / ".part.unfinished").symlink_to("/dev/full")

    with pytest.raises(LocalDisk, match="No space left on device") as caught, whole_file(tmp_path / "part") as file:
        file.write(b"rows")
    assert "Free some space" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(LocalDisk, match="No such file"), whole_file(tmp_path / "no" / "part"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_of_somebody_else_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(LocalDisk, match="Permission denied"), whole_file(tmp_path / "part"):
        pass
