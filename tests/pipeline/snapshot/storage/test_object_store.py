"""The contract of every object store: a folder, S3, Azure."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.storage.object_store import ObjectStore
from tests.helpers.object_stores import StoreServer

MANIFEST = "_snapshots/2026-11-23.json"
DATA = "users/snapshot_date=2026-11-23/r-1-00000.parquet"


@pytest.fixture(params=["local", "s3", "azure"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return open_store(str(tmp_path / "root")).objects
    return open_store(request.getfixturevalue(request.param).new_root()).objects


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(bytes(range(256)) * 30_000)  # more than one piece of an upload
    return path


def test_a_file_that_was_put_is_listed_read_and_copied(objects: ObjectStore, source: Path, tmp_path: Path) -> None:
    objects.put(source, DATA)

    (listed,) = objects.list_objects("users")
    read = objects.read(DATA)
    assert (listed.path, listed.bytes) == (DATA, source.stat().st_size)
    assert read is not None
    assert read.content == source.read_bytes()
    assert objects.local_copy(DATA, tmp_path / "copy").read_bytes() == source.read_bytes()


def test_a_missing_object_is_no_error(objects: ObjectStore) -> None:
    assert objects.read(DATA) is None
    assert list(objects.list_objects("users")) == []
    assert objects.list_folders("users") == []
    objects.delete([DATA])
    objects.delete_folder("users")


def test_folders_are_listed_without_their_contents(objects: ObjectStore) -> None:
    for path in (DATA, "users/snapshot_date=2026-11-24/r-2-00000.parquet", "_staging/run/1-of-4/shard.json"):
        objects.put_bytes(b"x", path)

    assert objects.list_folders("users") == ["snapshot_date=2026-11-23", "snapshot_date=2026-11-24"]
    assert objects.list_folders("_staging/run") == ["1-of-4"]


def test_a_folder_is_removed_with_its_contents_and_nothing_else(objects: ObjectStore) -> None:
    for path in ("_staging/run/1/a", "_staging/run/2/b", "_staging/run-2/1/c"):
        objects.put_bytes(b"x", path)

    objects.delete_folder("_staging/run")

    assert [file.path for file in objects.list_objects("_staging")] == ["_staging/run-2/1/c"]


def test_a_version_that_was_removed_cannot_be_replaced(objects: ObjectStore) -> None:
    objects.put_bytes(b"old", MANIFEST)
    old = objects.read(MANIFEST)
    assert old is not None
    objects.delete([MANIFEST])

    assert not objects.put_if(b"new", MANIFEST, expected=old.version)
    assert objects.read(MANIFEST) is None


@pytest.mark.parametrize("replacing", [False, True])
def test_of_many_concurrent_puts_one_wins(objects: ObjectStore, replacing: bool) -> None:
    expected = None
    if replacing:
        objects.put_bytes(b"old", MANIFEST)
        old = objects.read(MANIFEST)
        assert old is not None
        expected = old.version

    def put(number: int) -> bool:
        return objects.put_if(b"publisher %d" % number, MANIFEST, expected=expected)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(put, range(8)))

    assert won.count(True) == 1
    found = objects.read(MANIFEST)
    assert found is not None
    assert found.content == b"publisher %d" % won.index(True)


def test_a_lost_response_does_not_make_the_winner_lose(s3: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = open_store(s3.new_root()).objects
    really_put = obstore.put

    def put_twice(*arguments: Any, **how: Any) -> Any:
        really_put(*arguments, **how)  # the response is lost, so the client retries
        return really_put(*arguments, **how)

    monkeypatch.setattr(obstore, "put", put_twice)

    assert objects.put_if(b"mine", MANIFEST, expected=None)


def test_pyarrow_reads_a_part_of_a_file(objects: ObjectStore, tmp_path: Path) -> None:
    pq.write_table(pa.table({"number": range(1000), "text": ["x" * 10] * 1000}), tmp_path / "t", row_group_size=100)
    objects.put(tmp_path / "t", DATA)

    table = pq.read_table(objects.absolute(DATA), filesystem=objects.filesystem, filters=[("number", ">", 950)])

    assert table["number"].to_pylist() == list(range(951, 1000))


def test_a_missing_file_is_a_file_not_found_error_for_pyarrow(objects: ObjectStore) -> None:
    with pytest.raises(FileNotFoundError):
        objects.filesystem.open_input_file(objects.absolute(DATA))


def test_testing_that_a_root_is_writable_leaves_nothing(objects: ObjectStore) -> None:
    objects.require_writable()

    assert list(objects.list_objects("")) == []
