"""Two published snapshots are compared: conversations and users, without what readstate itself added."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from readstate.errors import BadInput
from readstate.snapshot.compare.compare import compare_with_previous
from readstate.snapshot.published.snapshot import open_snapshot
from readstate.snapshot.report.report import make_report
from tests.helpers.comparing import NEW, OLD, compare_published
from tests.helpers.snapshots import conversation_sid, publish, row, user, user_sid


def test_nothing_is_a_change_when_only_the_time_of_reading_differs(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [row(1, 1)])
    publish(tmp_path, NEW, [row(1, 1)])

    assert compare_published(tmp_path)[1] == []


def test_it_does_not_matter_where_files_end(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [row(1, number) for number in range(1, 8)], parts=2)
    publish(tmp_path, NEW, [row(1, number) for number in range(2, 9)], parts=3)

    _, feed = compare_published(tmp_path)

    assert [(line["change_type"], line["conversation_sid"]) for line in feed] == [
        ("removed", conversation_sid(1)),
        ("added", conversation_sid(8)),
    ]


def test_users_are_compared_too(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [], users=[user(3), user(1), user(2)])
    publish(tmp_path, NEW, [], users=[user(4), user(2, identity="another name", result="vanished"), user(1)])

    comparison, feed = compare_published(tmp_path)

    assert [(line["change_type"], line["user_sid"], line["field"], line["after"]) for line in feed] == [
        ("changed", user_sid(2), "identity", "another name"),
        ("changed", user_sid(2), "result", "vanished"),
        ("removed", user_sid(3), None, None),
        ("added", user_sid(4), None, None),
    ]
    assert {line["dataset"] for line in feed} == {"users"}
    assert {line["conversation_sid"] for line in feed} == {None}
    assert comparison.users.changed == 1


def test_users_that_twilio_did_not_know_are_left_out(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [], users=[user(1)])
    publish(tmp_path, NEW, [], users=[user(1), user(2, sid=None), user(3, sid=None)])

    assert compare_published(tmp_path)[1] == []


def test_a_column_that_was_left_empty_on_request_is_not_a_change(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [row(1, 1)])
    publish(tmp_path, NEW, [row(1, 1, friendly_name=None)], blanked_columns=("friendly_name",))

    comparison, feed = compare_published(tmp_path)

    assert feed == []
    assert comparison.fields_left_out == ("friendly_name",)


def test_an_export_can_publish_what_changed_since_the_previous_snapshot(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [row(1, 1)])
    publish(tmp_path, NEW, [row(1, 1), row(1, 2)])

    comparison = compare_with_previous(open_snapshot(str(tmp_path)))

    assert comparison is not None
    assert comparison.before.snapshot_date == OLD
    feed = pq.ParquetFile(tmp_path / "changes" / f"snapshot_date={NEW}" / f"since-{OLD}.parquet").read()
    assert feed["change_type"].to_pylist() == ["added"]


def test_the_first_snapshot_has_no_previous(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [row(1, 1)])

    assert compare_with_previous(open_snapshot(str(tmp_path))) is None


@pytest.mark.parametrize("size", [0, 50])
def test_a_damaged_file_is_told_with_the_command_that_names_it(size: int, tmp_path: Path) -> None:
    for day in (OLD, NEW):
        publish(tmp_path, day, [row(1, 1)])
    os.truncate(next(tmp_path.glob(f"user_conversations/*={NEW}/*.parquet")), size)

    for read in (lambda: compare_published(tmp_path), lambda: make_report(str(tmp_path))):
        with pytest.raises(BadInput, match=r"damaged.*\n.*snapshots .* --verify"):
            read()
