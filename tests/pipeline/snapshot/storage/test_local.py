import stat
from pathlib import Path

import pytest

from readstate.errors import LocalDisk
from readstate.snapshot.storage.local import LocalObjectStore


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore("my root", tmp_path / "root")


def test_a_file_that_cannot_be_copied_does_not_appear(objects: LocalObjectStore, tmp_path: Path) -> None:
    with pytest.raises(LocalDisk, match="my root/users/a"):
        objects.put(tmp_path / "missing", "users/a")

    assert list(objects.list_objects("")) == []


def test_what_is_put_is_for_its_readers(objects: LocalObjectStore, tmp_path: Path) -> None:
    objects.put_bytes(b"x", "users/a")
    objects.put_if(b"x", "_snapshots/b", expected=None)
    (plain := tmp_path / "plain").touch()

    modes = {stat.S_IMODE(path.stat().st_mode) for path in objects.folder.rglob("*") if path.is_file()}
    assert modes == {stat.S_IMODE(plain.stat().st_mode)}


def test_a_root_that_is_a_file_is_refused_before_anything_is_written(objects: LocalObjectStore) -> None:
    objects.folder.write_text("a file")

    with pytest.raises(LocalDisk, match=r"my root: .*\nCheck that the root exists, that you may write to it"):
        objects.require_writable()


def test_hidden_and_unfinished_files_are_not_listed(objects: LocalObjectStore) -> None:
    objects.put_bytes(b"x", "users/a")
    for name in (".lock", ".b.unfinished"):
        (objects.folder / "users" / name).touch()

    assert [file.path for file in objects.list_objects("")] == ["users/a"]


def test_folders_that_become_empty_are_removed_and_the_root_stays(objects: LocalObjectStore) -> None:
    objects.put_bytes(b"x", "users/snapshot_date=2026-11-23/a")

    objects.delete(["users/snapshot_date=2026-11-23/a"])

    assert list(objects.folder.iterdir()) == []


@pytest.mark.parametrize("path", ["/{outside}/a", "../outside/a", "users/../../outside/a", "linked/a"])
def test_nothing_outside_of_the_root_is_removed(objects: LocalObjectStore, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(b"kept")
    objects.put_bytes(b"x", "users/b")
    (objects.folder / "linked").symlink_to(outside)
    path = path.replace("/{outside}", str(outside))

    with pytest.raises(LocalDisk, match="leads out of the root"):
        objects.delete([path])
    with pytest.raises(LocalDisk, match="leads out of the root"):
        objects.delete_folder(path)

    assert (outside / "a").read_bytes() == b"kept"


def test_a_root_behind_a_link_or_written_with_dots_is_pruned_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    objects = LocalObjectStore("link", tmp_path / "disk" / ".." / "link")
    objects.put_bytes(b"x", "users/snapshot_date=2026-11-23/a")

    objects.delete(["users/snapshot_date=2026-11-23/a"])

    assert list((tmp_path / "disk").iterdir()) == []
