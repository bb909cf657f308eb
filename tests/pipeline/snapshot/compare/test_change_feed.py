from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from readstate.snapshot.compare.change_feed import CHANGES, open_change_feed
from tests.helpers.snapshots import manifest

LINE = pa.Table.from_pylist([{"dataset": "users", "change_type": "added"}], schema=CHANGES)


def test_the_file_names_both_snapshots_in_its_metadata(tmp_path: Path) -> None:
    with open_change_feed(tmp_path / "feed", manifest(run_id="r-1"), manifest(run_id="r-2")) as feed:
        feed.add(LINE)

    assert pq.read_table(tmp_path / "feed").equals(LINE)
    metadata = pq.read_schema(tmp_path / "feed").metadata
    assert (metadata[b"readstate.from"], metadata[b"readstate.to"]) == (b"2026-11-23 r-1", b"2026-11-23 r-2")


def test_a_row_group_ends_where_that_is_asked(tmp_path: Path) -> None:
    with open_change_feed(tmp_path / "feed", manifest(), manifest()) as feed:
        for _ in range(3):
            feed.add(LINE)
        feed.end_row_group()
        feed.add(LINE)

    file = pq.ParquetFile(tmp_path / "feed")
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [3, 1]


def test_a_feed_that_fails_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyError), open_change_feed(tmp_path / "feed", manifest(), manifest()) as feed:
        feed.add(LINE)
        raise KeyError

    assert list(tmp_path.iterdir()) == []
