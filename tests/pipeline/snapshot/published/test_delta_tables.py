"""Delta tables hold the rows of the snapshots without a copy, one commit for each."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from readstate import open_snapshot
from readstate.errors import BadInput
from readstate.snapshot.published import delta_tables as delta
from readstate.snapshot.published.snapshot_store import open_store
from tests.helpers.object_stores import StoreServer
from tests.helpers.repository import PIPELINE
from tests.helpers.snapshots import publish, row

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return str(tmp_path / "root")
    store: StoreServer = request.getfixturevalue("s3")
    return store.new_root()


def table(root: str, dataset: str = "user_conversations") -> DeltaTable:
    options = {"allow_http": "true"} if "://" in root else None
    return DeltaTable(f"{root}/{dataset}", storage_options=options)


def rows(opened: DeltaTable) -> list[dict[str, Any]]:
    found = opened.to_pyarrow_dataset().to_table().sort_by([("snapshot_date", "ascending"), ("user_sid", "ascending")])
    return found.to_pylist()  # type: ignore[no-any-return]


def test_a_delta_table_holds_the_rows_of_every_snapshot_without_a_copy_of_them(root: str) -> None:
    publish(root, OLD, [row(1, 1)])
    publish(root, NEW, [row(1, 1, unread_messages_count=None), row(2, 1)], parts=2)
    store = open_store(root)
    before = {file.path for file in store.objects.list_objects("")}

    delta.sync(store)

    expected = [
        {**line, "snapshot_date": day}
        for day in (OLD, NEW)
        for line in open_snapshot(root, day).dataset().to_table().to_pylist()
    ]
    assert rows(table(root)) == expected
    assert table(root, "users").to_pyarrow_dataset().count_rows() == 3
    added = {file.path for file in store.objects.list_objects("")} - before
    assert all("/_delta_log/" in path for path in added)
    assert store.orphans(before=FAR) == []


def test_each_snapshot_is_one_commit_with_its_run_id_for_time_travel(root: str) -> None:
    store = open_store(root)
    publish(root, OLD, [row(1, 1)], run_id="r-old")
    delta.sync(store)
    publish(root, NEW, [row(1, 1), row(2, 1)], run_id="r-new")
    delta.sync_if_present(store)

    opened = table(root)
    newest, older, _created = opened.history()  # syncing again has left the first commit alone
    assert (newest["run_id"], newest["snapshot_date"]) == ("r-new", str(NEW))
    assert older["run_id"] == "r-old"
    opened.load_as_version(1)
    assert [line["snapshot_date"] for line in rows(opened)] == [OLD]


def test_a_snapshot_that_is_published_again_replaces_its_date_alone(root: str) -> None:
    store = open_store(root)
    publish(root, OLD, [row(1, 1)])
    publish(root, NEW, [row(1, 1), row(2, 1)], run_id="r-1")
    delta.sync(store)

    publish(root, NEW, [row(3, 1)], run_id="r-2")
    delta.sync_if_present(store)

    assert [(line["snapshot_date"], line["user_sid"][-1]) for line in rows(table(root))] == [(OLD, "1"), (NEW, "3")]


def test_a_date_that_is_left_out_is_removed_before_its_files(root: str) -> None:
    store = open_store(root)
    for day in (OLD, NEW):
        publish(root, day, [row(1, 1)])
    delta.sync(store)

    delta.sync_if_present(store, leaving_out=[OLD])

    assert [line["snapshot_date"] for line in rows(table(root))] == [NEW]
    assert store.dates() == [OLD, NEW]


def test_sync_if_present_creates_no_table(root: str) -> None:
    store = open_store(root)
    publish(root, NEW, [row(1, 1)])

    delta.sync_if_present(store)

    assert not delta.has_tables(store)


def test_the_recipe_of_the_page_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (PIPELINE / "snapshot" / "storage" / "README.md").read_text(encoding="utf-8")
    (recipe,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "DeltaTable" in block)
    root = str(tmp_path / "root")
    for day in (OLD, NEW):
        publish(root, day, [row(1, 1, unread_messages_count=3), row(2, 1, unread_messages_count=4)])
    delta.sync(open_store(root))

    known: dict[str, Any] = {}
    exec(recipe.replace("ROOT", root), known)  # the page's words are the test

    shown = [re.findall(r"[\d-]+", line) for line in capsys.readouterr().out.splitlines() if "2026" in line]
    assert shown == [[str(OLD), "2", "7"], [str(NEW), "2", "7"]]
    assert {line["snapshot_date"] for line in rows(known["table"])} == {OLD}


def test_a_damaged_log_is_reported_with_what_to_do(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, NEW, [row(1, 1)])
    store = open_store(str(root))
    delta.sync(store)
    for path in (root / "user_conversations" / "_delta_log").glob("*.json"):
        path.write_text("{")

    with pytest.raises(BadInput, match="remove user_conversations/_delta_log"):
        delta.sync(store)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "find_spec", lambda _name: None)

    with pytest.raises(BadInput, match=r"readstate\[delta\]"):
        delta.require_delta()


@pytest.mark.parametrize("place", ["local", "s3"])
def test_tables_lie_beside_the_files_whatever_the_root_is_called(
    request: pytest.FixtureRequest, tmp_path: Path, place: str
) -> None:
    base = str(tmp_path) if place == "local" else request.getfixturevalue("s3").new_root()
    root = f"{base}/team#1/50% o?f"
    publish(root, NEW, [row(1, 1)])
    store = open_store(root)

    delta.sync(store)

    assert delta.has_tables(store)
    with pytest.raises(BadInput, match="deltalake takes the %20"):
        delta.sync(open_store(f"{base}/team%201"))
