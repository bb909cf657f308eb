"""The snapshot store: the manifest is the commit, of two publishers one wins, and orphans are removed with care."""

import hashlib
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from msgspec.structs import replace
from pyarrow import parquet as pq

from readstate.errors import BadInput, ExitCode, LocalDisk, PublishedMeanwhile
from readstate.snapshot.published.manifest import SnapshotFile, encode_manifest, partition
from readstate.snapshot.published.snapshot_store import SnapshotStore, manifest_path, open_store
from readstate.snapshot.storage.local import LocalObjectStore
from readstate.snapshot.storage.object_store import Version
from tests.helpers.snapshots import DAY, SERVICE, manifest

OTHER_DAY = date(2026, 11, 24)
FAR = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> SnapshotStore:
    return open_store(str(root))


def put(store: SnapshotStore, run_id: str, content: bytes = b"content") -> SnapshotFile:
    path = f"{partition('users', DAY)}/{run_id}-00000.parquet"
    store.objects.put_bytes(content, path)
    return SnapshotFile(path, "users", 1, len(content), hashlib.sha256(content).hexdigest())


def published_run(store: SnapshotStore) -> str | None:
    found = store.manifest(DAY)
    return None if found is None else found.run_id


def test_there_is_no_snapshot_before_its_manifest(store: SnapshotStore) -> None:
    file = put(store, "r-1")
    assert store.dates() == []
    assert store.manifest(DAY) is None

    store.publish(manifest(file))

    assert store.dates() == [DAY]
    assert store.manifest(DAY) == manifest(file)


def test_publishing_a_date_again_removes_the_files_that_the_new_manifest_does_not_name(
    store: SnapshotStore, root: Path
) -> None:
    store.publish(manifest(put(store, "r-1")))
    new = put(store, "r-2", b"newer")

    store.publish(manifest(new, run_id="r-2"), replaces=store.current(DAY))

    assert [path.name for path in (root / partition("users", DAY)).iterdir()] == ["r-2-00000.parquet"]
    assert published_run(store) == "r-2"


def test_the_second_publisher_is_refused_and_its_files_are_removed(store: SnapshotStore, root: Path) -> None:
    first, second = manifest(put(store, "r-1")), manifest(put(store, "r-2"), run_id="r-2")
    store.publish(first)
    lost = put(store, "r-2")  # as if the first had not seen it

    with pytest.raises(PublishedMeanwhile, match="published by run r-1") as refusal:
        store.publish(second)

    assert refusal.value.exit_code == ExitCode.LOCKED
    assert "--again" in str(refusal.value.hint)
    assert store.manifest(DAY) == first
    assert not (root / lost.path).exists()
    assert store.checksum(first.files[0].path) is not None


def test_a_snapshot_that_was_removed_meanwhile_is_not_replaced(store: SnapshotStore) -> None:
    store.publish(manifest(run_id="r-0"))
    removed = store.current(DAY)
    store.remove(manifest(run_id="r-0"))

    with pytest.raises(PublishedMeanwhile, match="was removed while run r-1"):
        store.publish(manifest(), replaces=removed)


@pytest.mark.parametrize("name", ["2026-11-23.json.bak", "2026-13-45.json", "٢٠٢٦-11-23.json", "old/2026-11-23.json"])
def test_other_files_beside_the_manifests_are_no_dates(store: SnapshotStore, name: str) -> None:
    store.objects.put_bytes(b"{}", f"_snapshots/{name}")

    assert store.dates() == []


def test_a_copy_that_is_not_what_was_written_is_not_published(store: SnapshotStore, tmp_path: Path) -> None:
    """Such as the first half of it, on a disk or a mount that was full for a moment."""
    source, path = tmp_path / "finished", f"{partition('users', DAY)}/r-1.parquet"
    source.write_bytes(b"the first ha")

    with pytest.raises(LocalDisk, match=r"r-1\.parquet: read back, it is not what was written"):
        store.put(source, path, size=14, sha256=hashlib.sha256(b"the first half").hexdigest())


def test_a_run_that_another_process_has_published_is_published(store: SnapshotStore) -> None:
    file = put(store, "r-1")
    store.publish(manifest(file))

    store.publish(replace(manifest(file), ended_at=datetime(2026, 11, 23, 2, tzinfo=UTC)))

    assert store.manifest(DAY) == manifest(file)
    assert store.checksum(file.path) is not None


def test_files_that_appear_while_the_manifest_is_put_belong_to_a_newer_publisher(
    store: SnapshotStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, mine = put(store, "r-dead"), put(store, "r-1")
    put_if = LocalObjectStore.put_if

    def meanwhile(self: LocalObjectStore, content: bytes, path: str, *, expected: Version | None) -> bool:
        put(store, "r-next")
        return put_if(self, content, path, expected=expected)

    monkeypatch.setattr(LocalObjectStore, "put_if", meanwhile)
    store.publish(manifest(mine))

    assert not (root / dead.path).exists()
    assert (root / partition("users", DAY) / "r-next-00000.parquet").exists()


def test_a_store_that_ignores_conditions_is_detected(store: SnapshotStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.supports_conditional_put()

    monkeypatch.setattr(LocalObjectStore, "put_if", lambda *_, **__: True)

    assert not store.supports_conditional_put()
    assert list(store.objects.list_objects("")) == []


def test_an_orphan_that_a_snapshot_names_meanwhile_stays(store: SnapshotStore) -> None:
    late, dead = put(store, "r-late"), put(store, "r-dead")
    seen = store.orphans(before=FAR)

    store.objects.put_bytes(encode_manifest(manifest(late, run_id="r-late")), manifest_path(DAY))
    store.remove_orphans(seen, before=FAR)

    assert store.checksum(late.path) == (late.bytes, late.sha256)
    assert store.checksum(dead.path) is None


def test_an_orphan_that_is_written_again_meanwhile_stays(store: SnapshotStore, root: Path) -> None:
    late = put(store, "r-late")
    os.utime(root / late.path, (0, 0))
    before = datetime(1971, 1, 1, tzinfo=UTC)
    seen = store.orphans(before=before)

    put(store, "r-late")
    store.remove_orphans(seen, before=before)

    assert [file.path for file in seen] == [late.path]
    assert (root / late.path).exists()


def test_removing_a_snapshot_leaves_the_others(store: SnapshotStore, root: Path) -> None:
    other = manifest(day=date(2026, 11, 22))
    store.publish(other)
    mine = manifest(put(store, "r-1"))
    store.publish(mine)

    store.remove(mine)

    assert store.dates() == [other.snapshot_date]
    assert not (root / partition("users", DAY)).exists()


def test_the_date_before_is_that_of_the_newest_older_snapshot(store: SnapshotStore) -> None:
    for number in (20, 22, 23):
        store.publish(manifest(day=date(2026, 11, number)))

    assert store.date_before(DAY) == date(2026, 11, 22)
    assert store.date_before(date(2026, 11, 20)) is None


def test_known_users_of_a_damaged_file_name_it(store: SnapshotStore) -> None:
    damaged = manifest(put(store, "r-1"))

    with pytest.raises(BadInput, match=r"r-1-00000\.parquet: damaged.*\nreadstate snapshots .* --verify"):
        list(store.known_users(damaged))


@pytest.mark.parametrize("columns", [["sid"], ["chat_service_sid", "sid", "identity", "conversations"]])
def test_known_users_of_a_file_with_other_columns_or_types_name_it(
    store: SnapshotStore, root: Path, columns: list[str]
) -> None:
    other = manifest(put(store, "r-1"))
    pq.write_table(pa.table({name: ["text"] for name in columns}), root / other.files[0].path)

    with pytest.raises(BadInput, match=r"r-1-00000\.parquet: damaged"):
        list(store.known_users(other))


def test_only_users_that_can_be_asked_about_are_known(store: SnapshotStore, root: Path) -> None:
    known = manifest(put(store, "r-1"))
    planted = {"chat_service_sid": [SERVICE, SERVICE, SERVICE, None], "sid": ["US" + "a" * 32, "../x", None, "US1"]}
    pq.write_table(pa.table(planted | {"identity": [None] * 4, "conversations": [1] * 4}), root / known.files[0].path)

    assert [user.user_sid for user in store.known_users(known)] == ["US" + "a" * 32]
