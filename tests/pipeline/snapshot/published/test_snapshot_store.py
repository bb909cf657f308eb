"""The store: a snapshot is there whole, or not at all."""

import hashlib
import os
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import BadInput, ExitCode, LocalDisk, PublishedMeanwhile
from readstate.snapshot.published.manifest import (
    Manifest,
    RequestCounts,
    SnapshotFile,
    UserCounts,
    decode_manifest,
    encode_manifest,
)
from readstate.snapshot.published.snapshot_store import open_store, partition
from readstate.snapshot.storage.local import LocalObjectStore
from readstate.snapshot.storage.object_store import Version

DAY = date(2026, 11, 23)
OTHER_DAY = date(2026, 11, 24)
FAR = datetime(9999, 1, 1, tzinfo=UTC)


def manifest(*files: SnapshotFile, run_id: str = "r-1", day: date = DAY) -> Manifest:
    return Manifest(
        schema_version=1,
        tool_version="0",
        run_id=run_id,
        snapshot_date=day,
        account_sid="AC" + "0" * 32,
        base_url="https://conversations.twilio.com",
        services=(),
        started_at=datetime(2026, 11, 23, tzinfo=UTC),
        ended_at=datetime(2026, 11, 23, 1, tzinfo=UTC),
        starts=1,
        users=UserCounts(listed=1, read=1, vanished=0, failed=0),
        rows=0,
        duplicates_dropped=0,
        unknown_fields={},
        blanked_columns=(),
        requests=RequestCounts(),
        complete=True,
        files=files,
    )


def put(root: Path, run_id: str, content: bytes = b"content") -> SnapshotFile:
    source = root.parent / "source"
    source.write_bytes(content)
    path = f"{partition('users', DAY)}/{run_id}-00000.parquet"
    open_store(str(root)).objects.put(source, path)
    return SnapshotFile(path, "users", 1, len(content), hashlib.sha256(content).hexdigest())


def test_there_is_no_snapshot_before_its_manifest(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    file = put(tmp_path / "root", "r-1")
    assert store.dates() == []
    assert store.manifest(DAY) is None

    store.publish(manifest(file))

    assert store.dates() == [DAY]
    assert store.manifest(DAY) == manifest(file)


def test_publishing_a_date_again_removes_what_the_new_manifest_does_not_name(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    store.publish(manifest(put(root, "r-1")))
    new = put(root, "r-2", b"newer")

    store.publish(manifest(new, run_id="r-2"), replaces=store.current(DAY))

    assert [path.name for path in (root / partition("users", DAY)).iterdir()] == ["r-2-00000.parquet"]
    published = store.manifest(DAY)
    assert published is not None
    assert published.run_id == "r-2"


def test_whoever_is_second_gives_way_and_takes_its_files_along(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    first, second = manifest(put(root, "r-1")), manifest(put(root, "r-2"), run_id="r-2")
    store.publish(first)
    lost = put(root, "r-2")  # as if the first had not seen it

    with pytest.raises(PublishedMeanwhile, match="published by run r-1") as told:
        store.publish(second)

    assert told.value.exit_code == ExitCode.LOCKED
    assert "--again" in str(told.value.hint)
    assert store.manifest(DAY) == first
    assert not (root / lost.path).exists()
    assert store.checksum(first.files[0]) is not None


def test_whoever_set_out_to_replace_what_was_replaced_meanwhile_gives_way(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    store.publish(manifest(run_id="r-0"))
    standing = store.current(DAY)
    store.publish(manifest(put(root, "r-1")), replaces=standing)

    with pytest.raises(PublishedMeanwhile):
        store.publish(manifest(put(root, "r-2"), run_id="r-2"), replaces=standing)

    published = store.manifest(DAY)
    assert published is not None
    assert published.run_id == "r-1"


def test_whoever_set_out_to_replace_what_was_removed_meanwhile_is_told(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    store.publish(manifest(run_id="r-0"))
    standing = store.current(DAY)
    store.remove(manifest(run_id="r-0"))

    with pytest.raises(PublishedMeanwhile, match="was removed while run r-1"):
        store.publish(manifest(), replaces=standing)


def test_a_run_that_another_process_has_published_is_no_loser(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    file = put(root, "r-1")
    store.publish(manifest(file))

    store.publish(replace(manifest(file), ended_at=datetime(2026, 11, 23, 2, tzinfo=UTC)))

    assert store.manifest(DAY) == manifest(file)
    assert store.checksum(file) is not None


def test_what_comes_while_the_manifest_is_put_belongs_to_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    dead, mine = put(root, "r-dead"), put(root, "r-1")
    put_if = LocalObjectStore.put_if

    def meanwhile(self: LocalObjectStore, content: bytes, path: str, *, expected: Version | None) -> bool:
        put(root, "r-next")
        return put_if(self, content, path, expected=expected)

    monkeypatch.setattr(LocalObjectStore, "put_if", meanwhile)
    store.publish(manifest(mine))

    assert not (root / dead.path).exists()
    assert (root / partition("users", DAY) / "r-next-00000.parquet").exists()


def test_a_store_that_keeps_its_word_is_told_from_one_that_ignores_conditions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(str(tmp_path / "root"))
    assert store.supports_conditional_put()

    monkeypatch.setattr(LocalObjectStore, "put_if", lambda *_, **__: True)

    assert not store.supports_conditional_put()
    assert list(store.objects.list_objects("")) == []


def test_a_stray_that_a_snapshot_names_meanwhile_is_none_any_more(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    late, dead = put(tmp_path / "root", "r-late"), put(tmp_path / "root", "r-dead")
    seen = store.orphans(before=FAR)

    store.publish(manifest(late, run_id="r-late", day=OTHER_DAY))
    store.remove_orphans(seen, before=FAR)

    assert store.checksum(late) == (late.bytes, late.sha256)
    assert store.checksum(dead) is None


def test_a_stray_that_is_written_again_meanwhile_may_be_named_in_a_moment(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    late = put(tmp_path / "root", "r-late")
    path = tmp_path / "root" / late.path
    os.utime(path, (0, 0))
    before = datetime(1971, 1, 1, tzinfo=UTC)
    seen = store.orphans(before=before)

    put(tmp_path / "root", "r-late")
    store.remove_orphans(seen, before=before)

    assert [file.path for file in seen] == [late.path]
    assert path.exists()


def test_a_file_that_cannot_be_copied_whole_does_not_appear(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))

    with pytest.raises(LocalDisk):
        store.objects.put(tmp_path / "missing", "users/a.parquet")

    assert not list((tmp_path / "root").rglob("*.parquet*"))


def test_what_is_published_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    store.publish(manifest(put(root, "r-1")))

    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}

    assert modes == {0o600}


def test_measuring_tells_a_changed_file_and_a_missing_one(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    file = put(root, "r-1")
    assert store.checksum(file) == (file.bytes, file.sha256)

    (root / file.path).write_bytes(b"c0ntent")
    assert store.checksum(file) == (file.bytes, hashlib.sha256(b"c0ntent").hexdigest())

    (root / file.path).unlink()
    assert store.checksum(file) is None


def test_removing_a_snapshot_leaves_the_others(tmp_path: Path) -> None:
    root = tmp_path / "root"
    store = open_store(str(root))
    other = manifest(day=date(2026, 11, 22))
    store.publish(other)
    mine = manifest(put(root, "r-1"))
    store.publish(mine)

    store.remove(mine)

    assert store.dates() == [other.snapshot_date]
    assert not (root / partition("users", DAY)).exists()


@pytest.mark.parametrize("root", ["ftp://host/path", "s4://bucket"])
def test_a_root_of_an_unknown_kind_is_refused_with_the_known_kinds(root: str) -> None:
    with pytest.raises(BadInput, match="s3://bucket"):
        open_store(root)


def test_a_root_that_is_a_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file")

    with pytest.raises(LocalDisk, match="that you may write to it"):
        open_store(str(tmp_path / "root")).objects.require_writable()


def test_preparing_leaves_nothing_but_the_folder(tmp_path: Path) -> None:
    open_store(str(tmp_path / "root")).objects.require_writable()

    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"schema_version": "x"}'])
def test_a_damaged_manifest_is_named(text: bytes) -> None:
    with pytest.raises(BadInput, match="here: not a snapshot's manifest"):
        decode_manifest(text, where="here")


def test_a_manifest_of_a_newer_readstate_asks_for_an_upgrade() -> None:
    text = encode_manifest(manifest()).replace(b'"manifest_version": 1', b'"manifest_version": 99')

    with pytest.raises(BadInput, match="Upgrade readstate"):
        decode_manifest(text, where="here")
