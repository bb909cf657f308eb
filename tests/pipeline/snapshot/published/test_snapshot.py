from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pytest

from readstate import open_snapshot
from readstate.errors import BadInput
from readstate.snapshot.published.schema import FAILURES, USER_CONVERSATIONS
from readstate.snapshot.published.snapshot import defects
from readstate.snapshot.published.snapshot_store import open_store
from tests.helpers.snapshots import DAY, publish, put, row


@pytest.fixture
def root(tmp_path: Path) -> str:
    root = str(tmp_path / "root")
    publish(root, DAY, [row(1, 1), row(1, 2, last_read_message_index=None), row(2, 1)])
    return root


def test_the_newest_is_opened_where_no_date_is_named(root: str) -> None:
    assert (
        open_snapshot(root).manifest == open_snapshot(root, DAY).manifest == open_snapshot(root, "2026-11-23").manifest
    )


def test_a_date_that_was_not_published_is_refused_and_the_known_ones_are_named(root: str) -> None:
    with pytest.raises(BadInput, match=r"no published snapshot of 2020-01-01\nIt has 2026-11-23"):
        open_snapshot(root, date(2020, 1, 1))


def test_a_root_without_snapshots_says_how_to_publish_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="readstate export --out"):
        open_snapshot(str(tmp_path))


def test_missing_numbers_stay_missing_in_pandas(root: str) -> None:
    frame = open_snapshot(root).to_pandas()

    assert frame["unread_messages_count"].dtype == pd.Int32Dtype()
    assert frame["last_read_message_index"].dtype == pd.Int64Dtype()
    table = open_snapshot(root).dataset().to_table()
    assert frame["last_read_message_index"].isna().sum() == table["last_read_message_index"].null_count > 0


def test_columns_and_rows_can_be_chosen(root: str) -> None:
    frame = open_snapshot(root).to_pandas(columns=["identity"], filter=ds.field("last_read_message_index").is_null())

    assert list(frame.columns) == ["identity"]
    assert 0 < len(frame) < open_snapshot(root).manifest.rows


def test_the_schema_is_the_same_whatever_the_data(root: str) -> None:
    snapshot = open_snapshot(root)

    assert snapshot.dataset().schema.equals(USER_CONVERSATIONS)
    assert snapshot.failures().schema.equals(FAILURES)
    assert len(snapshot.failures()) == 0


def test_files_that_no_manifest_names_are_not_read(root: str) -> None:
    snapshot = open_snapshot(root)
    rows = snapshot.dataset().count_rows()
    put(root, "user_conversations", USER_CONVERSATIONS, [row(9, 9)], day=DAY, name="orphan.parquet")

    assert open_snapshot(root).dataset().count_rows() == rows


def test_a_snapshot_as_it_was_published_has_no_defect(root: str) -> None:
    assert list(defects(open_store(root), open_snapshot(root).manifest)) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_is_found(root: str, damage: str) -> None:
    manifest = open_snapshot(root).manifest
    path = Path(root) / manifest.files[0].path
    contents = path.read_bytes()
    match damage:
        case "flip":
            path.write_bytes(contents[:100] + bytes([contents[100] ^ 1]) + contents[101:])
        case "cut":
            path.write_bytes(contents[:-1])
        case "remove":
            path.unlink()

    (defect,) = defects(open_store(root), manifest)
    assert manifest.files[0].path in defect
