"""One process at a time holds a lock, the others learn who; a lock dies with its process."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from readstate.disk.locks import LockHeld, acquire_lock, is_locked, wait_for_lock


def test_only_one_holds_a_lock_and_the_others_learn_who(tmp_path: Path) -> None:
    path = tmp_path / "made" / "lock"
    with acquire_lock(path, holder="a holder whose note is longer"):
        pass
    with acquire_lock(path, holder="process 7\n"):
        with pytest.raises(LockHeld) as caught:
            acquire_lock(path, holder="process 8")
        assert caught.value.holder == "process 7"
        assert is_locked(path)

    assert not is_locked(path)


def test_a_missing_lock_is_not_held(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "lock")


def test_a_link_is_no_lock_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("kept")
    (tmp_path / "lock").symlink_to("victim")

    with pytest.raises(OSError, match="symbolic link"):
        acquire_lock(tmp_path / "lock", holder="process 7")

    assert (tmp_path / "victim").read_text() == "kept"


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from readstate.disk.locks import acquire_lock\n"
        "lock = acquire_lock(Path(sys.argv[1]), holder='me'); os._exit(9)"
    )

    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "lock")], check=False)

    assert done.returncode == 9
    assert not is_locked(tmp_path / "lock")


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last holder removes the file between our opening it and our locking it."""
    from readstate.disk import locks

    path, removed = tmp_path / "lock", []

    def after_removal(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(path.unlink())

    monkeypatch.setattr(locks.fcntl, "flock", after_removal)
    with acquire_lock(path, holder="me"):
        assert path.read_text() == "me"


def test_a_waiter_gets_the_lock_after_its_file_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, got = wait_for_lock(path), threading.Event()

    def wait() -> None:
        wait_for_lock(path).remove()
        got.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not got.wait(0.1)
    first.remove()

    assert got.wait(5)
    waiter.join()
    assert not path.exists()
