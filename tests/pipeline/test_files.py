"""A file is written atomically, durably and for its owner alone; what the disk refuses is an error with a hint."""

import stat
from pathlib import Path

import pytest

from readstate import files, locks
from readstate.errors import LocalDisk
from readstate.files import atomic_write, copy_private, create_private, translate_os_errors, write_private


def test_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "part"
    with atomic_write(path) as file:
        file.write(b"rows")
        assert not path.exists()

    assert path.read_bytes() == b"rows"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_failure_leaves_nothing_and_the_earlier_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"earlier")
    with pytest.raises(KeyError), atomic_write(path) as file:
        file.write(b"half of it")
        raise KeyError

    assert path.read_bytes() == b"earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_two_who_write_it_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "part"
    with atomic_write(path) as one:
        one.write(b"o")
        with atomic_write(path) as other:
            other.write(b"the other")
        assert path.read_bytes() == b"the other"
        one.write(b"ne")

    assert path.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_what_a_killed_process_left_behind_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / ".part.unfinished").write_bytes(b"longer than what comes")
    with atomic_write(tmp_path / "part") as file:
        file.write(b"rows")

    assert (tmp_path / "part").read_bytes() == b"rows"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_what_another_has_just_finished_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It got its name between our opening of the same file and our lock on it."""
    path, lock = tmp_path / "part", locks.fcntl.flock

    def after_him(descriptor: int, operation: int) -> None:
        if not path.exists():
            path.with_name(".part.unfinished").replace(path)
            path.write_bytes(b"his")
        lock(descriptor, operation)

    monkeypatch.setattr(locks.fcntl, "flock", after_him)
    with atomic_write(path) as file:
        assert path.read_bytes() == b"his"
        file.write(b"ours")

    assert path.read_bytes() == b"ours"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_bytes_are_durable_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    path = tmp_path / "part"
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: synced.append(path.exists()))

    with atomic_write(path):
        pass

    assert synced == [False, True], "first the file without its name, then the folder with it"


def test_full_disk_is_told_with_a_hint(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / ".part.unfinished").symlink_to("/dev/full")

    with pytest.raises(LocalDisk, match="No space left on device") as caught, atomic_write(tmp_path / "part") as file:
        file.write(b"rows")
    assert "Free some space" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_private_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "written", b"secret")
    copy_private(tmp_path / "written", tmp_path / "copy")
    create_private(tmp_path / "created").close()
    with atomic_write(tmp_path / "atomic"):
        pass

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert (tmp_path / "copy").read_bytes() == b"secret"


def test_a_file_that_must_be_new_is_not_written_over(tmp_path: Path) -> None:
    write_private(tmp_path / "file", b"first")

    with pytest.raises(FileExistsError):
        create_private(tmp_path / "file")


def test_an_error_of_the_disk_says_where_why_and_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalDisk) as caught,
        translate_os_errors(tmp_path / "x", hint="Choose another.", also=(KeyError,)),
    ):
        raise KeyError("broken")
    assert str(caught.value) == f"{tmp_path}/x: 'broken'\nChoose another."

    with pytest.raises(ValueError, match="not the disk's"), translate_os_errors(tmp_path):
        raise ValueError("not the disk's")
