"""A file is written atomically, durably and for its owner alone; what the disk refuses is an error with a hint."""

import errno
import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from readstate.disk import files, locks
from readstate.disk.files import (
    atomic_write,
    copy_private,
    create_private,
    open_output,
    require_unshared,
    translate_os_errors,
    write_at_once,
    write_private,
)
from readstate.errors import LocalDisk


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


def test_where_files_cannot_be_locked_nothing_is_left_and_two_writers_do_not_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    with atomic_write(tmp_path / "part") as one:
        one.write(b"o")
        write_private(tmp_path / "part", b"the other")
        one.write(b"ne")

    assert (tmp_path / "part").read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["part"]


def test_bytes_are_durable_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    path = tmp_path / "part"
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: synced.append(path.exists()))

    with atomic_write(path):
        pass

    assert synced == [False, True], "first the file without its name, then the folder with it"


def test_full_disk_is_told_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(LocalDisk, match="No space left on device") as caught, atomic_write(tmp_path / "part") as file:
        file.write(b"rows")
    assert "Free some space" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("plant", ["symlink", "hard link", "pipe"])
def test_a_trap_under_the_name_of_the_unfinished_file_is_left_alone(tmp_path: Path, plant: str) -> None:
    victim, trap = tmp_path / "victim", tmp_path / ".part.unfinished"
    victim.write_bytes(b"kept")
    {"symlink": trap.symlink_to, "hard link": trap.hardlink_to, "pipe": lambda _: os.mkfifo(trap)}[plant](victim)

    write_private(tmp_path / "part", b"rows")

    assert (tmp_path / "part").read_bytes() == b"rows"
    assert victim.read_bytes() == b"kept"
    assert trap.exists()


def test_an_output_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"earlier")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "dangling").symlink_to("made by the output")

    for name in ("link", "dangling"):
        with open_output(tmp_path / name) as file:
            file.write(b"rows")

    assert [(tmp_path / name).readlink().name for name in ("link", "dangling")] == ["target", "made by the output"]
    assert (tmp_path / "target").read_bytes() == (tmp_path / "made by the output").read_bytes() == b"rows"


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_device_is_written_to_and_stays_one(tmp_path: Path, is_linked: bool) -> None:
    place = Path("/dev/null")
    if is_linked:
        (tmp_path / "link").symlink_to(place)
        place = tmp_path / "link"

    with open_output(place) as file:
        file.write(b"rows")
    write_at_once(place, b"rows")

    assert stat.S_ISCHR(place.stat().st_mode)
    assert place.is_symlink() is is_linked


def test_what_a_device_refuses_is_told_without_advice_for_files() -> None:
    with (
        pytest.raises(LocalDisk, match="/dev/full: No space left on device") as refusal,
        open_output(Path("/dev/full")) as file,
    ):
        file.write(b"rows")
    assert "or use the name of a file" in str(refusal.value.hint)


def test_a_pipe_is_written_to_once_something_reads_from_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    with open_output(pipe) as file:
        file.write(b"rows" * 50_000)
    reader.join()

    assert received == [b"rows" * 50_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_pipe_that_nothing_reads_from_stops_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="No such device"):
        write_at_once(pipe, b"metrics")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError, match="nothing reads from it"):
        write_at_once(pipe, bytes(1 << 20))

    os.close(reader)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_a_descriptor_of_this_process_is_written_to_where_it_stands(tmp_path: Path, folder: str) -> None:
    """As a shell passes ``>(command)``, and as ``/dev/stdout`` is when it goes to a file."""
    log = tmp_path / "log"
    with log.open("wb", buffering=0) as shell:
        shell.write(b"before, ")
        with open_output(Path(f"{folder}/{shell.fileno()}")) as file:
            file.write(b"output")
        write_at_once(Path(f"{folder}/{shell.fileno()}"), b", metrics")
        shell.write(b", after")

    assert log.read_bytes() == b"before, output, metrics, after"


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


def test_without_a_place_for_temporary_files_the_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    with pytest.raises(LocalDisk, match="missing") as caught, files.scratch_folder():
        pass
    assert "TMPDIR" in str(caught.value)


def test_temporary_files_that_cannot_be_removed_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with files.scratch_folder() as folder, monkeypatch.context() as disk:
        disk.setattr(os, "rmdir", refuse)
        (folder / "file").write_bytes(b"")


def test_a_work_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)

    with pytest.raises(LocalDisk, match="shared: other users may write to it") as refusal:
        require_unshared(tmp_path, shared)

    assert f"--work-dir {shared}/mine" in str(refusal.value.hint)
    require_unshared(tmp_path, shared / "mine")


def test_a_folder_that_another_user_made_where_all_may_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "planted").mkdir()
    (tmp_path / "link").symlink_to("/")
    if os.geteuid() == 0:
        os.chown(tmp_path / "planted", 12345, -1)
        os.chown(tmp_path / "link", 12345, -1, follow_symlinks=False)
    monkeypatch.setattr(files.os, "geteuid", lambda: 999_999)

    for name in ("planted", "link"):
        with pytest.raises(LocalDisk, match=f"{name}: it belongs to another user"):
            require_unshared(tmp_path / name)
