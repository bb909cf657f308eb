"""Parts become files: sorted, each row once, and the same bytes whatever the timing was."""

import errno
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.disk import files
from readstate.errors import LocalDisk
from readstate.snapshot.parts.compaction import compact
from readstate.snapshot.parts.derived_columns import PART_ROWS
from readstate.snapshot.parts.part import CollectedRows, seal_part
from readstate.snapshot.published.parquet import FinishedFile
from readstate.snapshot.published.schema import USER_CONVERSATIONS
from tests.helpers.rows import Key, keys_of, table_of
from tests.helpers.user_conversation_pages import SNAPSHOT_AT

# Users with some conversations each, some of them twice.
USERS = st.lists(
    st.tuples(
        st.sampled_from(["IS1", "IS2"]),
        st.integers(0, 30).map("US{:02}".format),
        st.lists(st.integers(0, 12).map("CH{:02}".format), min_size=1, max_size=10),
    ),
    max_size=12,
    unique_by=lambda user: user[:2],
)


def write_parts(parts: Sequence[Sequence[pa.Table]], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = []
    for tables in parts:
        rows = CollectedRows()
        for table in tables:
            rows.add(table, table.nbytes)
        if (part := seal_part(rows, folder)) is not None:
            paths.append(part.path)
    return paths


def compacted(parts: Sequence[Sequence[pa.Table]], folder: Path, **changes: Any) -> list[FinishedFile]:
    (folder / "finished").mkdir()
    paths = write_parts(parts, folder / "parts")
    options = {"file_bytes": 1 << 20, **changes}
    return list(compact(paths, folder / "finished", run_id="r-1", snapshot_at=SNAPSHOT_AT, **options))


def rows_of(files: Sequence[FinishedFile]) -> pa.Table:
    return pa.concat_tables([USER_CONVERSATIONS.empty_table(), *(pq.read_table(file.path) for file in files)])


@given(USERS, st.data())
def test_same_rows_give_the_same_bytes_however_parts_divide_them(
    users: list[tuple[str, str, list[str]]], data: st.DataObject
) -> None:
    tables = [table_of((service, user, each) for each in conversations) for service, user, conversations in users]
    divided: list[list[pa.Table]] = [[] for _ in range(data.draw(st.integers(1, 4)))]
    for table in data.draw(st.permutations(tables)):
        data.draw(st.sampled_from(divided)).append(table)
    with TemporaryDirectory() as folder:
        (Path(folder) / "one").mkdir()
        (Path(folder) / "many").mkdir()
        one = compacted([tables], Path(folder) / "one", file_bytes=6_000, row_group_bytes=9_000)
        many = compacted(divided, Path(folder) / "many", file_bytes=6_000, row_group_bytes=9_000)

        assert [file.sha256 for file in one] == [file.sha256 for file in many]
        expected = {
            (service, user, conversation): number
            for service, user, conversations in users
            for number, conversation in enumerate(conversations)
        }
        rows = rows_of(many)
        assert keys_of(rows) == sorted(expected)
        assert rows["last_read_message_index"].to_pylist() == [expected[key] for key in sorted(expected)]


def keys(count: int) -> list[Key]:
    """Return keys of users with seven rows each, every user in a range of its own."""
    return [("IS1", f"US{number // 7:02}", f"CH{number:05}") for number in range(count)]


def test_of_a_row_in_two_parts_that_of_the_later_part_stays(tmp_path: Path) -> None:
    parts = [[table_of([("IS1", "US1", "CH1")], last_read=number)] for number in range(5)]

    assert rows_of(compacted(parts, tmp_path))["last_read_message_index"].to_pylist() == [4]


def test_files_end_near_their_size_and_are_numbered(tmp_path: Path) -> None:
    parts = [[table_of(keys(400)[::2])], [table_of(keys(400)[1::2])]]

    files = compacted(parts, tmp_path, file_bytes=10_000, row_group_bytes=9_000)

    assert len(files) > 2
    assert [file.path.name for file in files] == [f"r-1-{number:05}.parquet" for number in range(len(files))]
    assert all(file.bytes > 10_000 for file in files[:-1])
    assert keys_of(rows_of(files)) == keys(400)


def row_groups(file: FinishedFile) -> list[int]:
    metadata = pq.ParquetFile(file.path).metadata
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def test_row_groups_hold_whole_ranges_and_end_by_the_rows_alone(tmp_path: Path) -> None:
    (file,) = compacted(
        [[table_of(keys(60)[::3])], [table_of(keys(60)[1::3] + keys(60)[2::3])]], tmp_path, row_group_bytes=9_000
    )

    assert row_groups(file) == [14, 14, 14, 14, 4], "two users of seven rows of a thousand bytes reach nine thousand"


def test_long_attributes_make_row_groups_of_fewer_rows(tmp_path: Path) -> None:
    (file,) = compacted([[table_of(keys(14), attributes="x" * 16_000)]], tmp_path, row_group_bytes=51_000)

    assert row_groups(file) == [7, 7]


def test_a_row_is_seen_when_the_whole_run_began_whatever_its_part_says(tmp_path: Path) -> None:
    later = datetime(2026, 11, 24, tzinfo=UTC)
    (path,) = write_parts([[table_of(keys(3))]], tmp_path / "parts")

    (file,) = compact([path], tmp_path, run_id="r-1", snapshot_at=later, file_bytes=1 << 20)

    assert set(rows_of([file])["snapshot_at"].to_pylist()) == {later}


def test_a_column_that_is_left_out_takes_none_with_it_that_follows_from_it(tmp_path: Path) -> None:
    row = {"chat_service_sid": "IS1", "user_sid": "US1", "conversation_sid": "CH1", "participant_sid": "MB1"}
    rows = pa.Table.from_pylist([row | {"unread_messages_count": 1000, "address_root": "https://x"}], PART_ROWS)

    (file,) = compacted([[rows]], tmp_path, blanked_columns=["url", "participant_sid", "unread_messages_count"])

    (only,) = pq.read_table(file.path).to_pylist()
    assert (only["url"], only["participant_sid"], only["unread_messages_count"]) == (None, None, None)
    assert (only["links_participant"], only["unread_capped"]) == ("https://x/Conversations/CH1/Participants/MB1", True)


def test_half_written_file_goes_when_the_work_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_parts([[table_of(keys(10))]], tmp_path / "parts")
    (tmp_path / "finished").mkdir()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(LocalDisk, match="No space left on device"):
        list(compact(paths, tmp_path / "finished", run_id="r-1", snapshot_at=SNAPSHOT_AT, file_bytes=1))
    assert list((tmp_path / "finished").iterdir()) == []


def test_no_rows_are_one_file_with_the_schema_and_any_size_of_files_ends(tmp_path: Path) -> None:
    (tmp_path / "finished").mkdir()
    how = partial(compact, folder=tmp_path / "finished", run_id="r-1", snapshot_at=SNAPSHOT_AT, file_bytes=1)

    (file,) = how([])

    assert pq.read_schema(file.path) == USER_CONVERSATIONS
    assert file.rows == pq.read_table(file.path).num_rows == 0
    assert len(list(how(write_parts([[table_of(keys(10))]], tmp_path / "parts")))) == 1
