"""Comparing: what the feed says is what a person would find who compares row by row."""

from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.snapshot.compare import compare as comparing
from readstate.snapshot.compare.change_feed import CHANGES
from readstate.snapshot.compare.compare import Comparison, compare, compare_with_previous
from readstate.snapshot.published.manifest import RosterScope
from readstate.snapshot.published.schema import KEY, USER_CONVERSATIONS, USERS
from readstate.snapshot.published.snapshot import open_snapshot
from tests.helpers.snapshots import SERVICE, conversation_sid, publish, put, row, user, user_sid

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)


def compared(root: Path, old: Any, new: Any, *, parts: int = 1, **manifest: Any) -> tuple[Comparison, list[Any]]:
    """Publish two snapshots and compare them; give the comparison and the feed's lines."""
    publish(root, OLD, old, **manifest)
    publish(root, NEW, new, parts=parts, **manifest)
    return again(root)


def again(root: Path) -> tuple[Comparison, list[Any]]:
    feed = root.parent / "feed.parquet"
    comparison = compare(open_snapshot(str(root), OLD), open_snapshot(str(root), NEW), feed=feed)
    return comparison, pq.read_table(feed).to_pylist()


def test_a_changed_field_is_told_with_both_values(tmp_path: Path) -> None:
    comparison, feed = compared(
        tmp_path / "root",
        [row(1, 1, unread_messages_count=5), row(1, 2)],
        [row(1, 1, unread_messages_count=None, date_updated=datetime(2026, 11, 1, tzinfo=UTC)), row(1, 2)],
    )

    key = {"chat_service_sid": SERVICE, "user_sid": user_sid(1), "conversation_sid": conversation_sid(1)}
    shared = {"dataset": "user_conversations", "change_type": "changed", **key}
    assert feed == [
        {**shared, "field": "unread_messages_count", "before": "5", "after": None},
        {
            **shared,
            "field": "date_updated",
            "before": "2026-10-01 00:00:00.000000Z",
            "after": "2026-11-01 00:00:00.000000Z",
        },
    ]
    found = comparison.user_conversations
    assert (found.changed, found.unchanged, found.added, found.removed) == (1, 1, 0, 0)
    assert found.fields == {"unread_messages_count": 1, "date_updated": 1}


def test_rows_that_come_and_go_are_told_once_each(tmp_path: Path) -> None:
    comparison, feed = compared(tmp_path / "root", [row(1, 1), row(2, 1)], [row(1, 1), row(2, 2)])

    assert [(line["change_type"], line["conversation_sid"], line["field"]) for line in feed] == [
        ("removed", conversation_sid(1), None),
        ("added", conversation_sid(2), None),
    ]
    assert comparison.comparability.reasons == ()


def test_nothing_is_a_change_when_only_the_time_of_reading_differs(tmp_path: Path) -> None:
    _, feed = compared(tmp_path / "root", [row(1, 1)], [row(1, 1)])

    assert feed == []


def test_users_are_compared_too(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, OLD, [], users=[user(3), user(1), user(2)])
    publish(root, NEW, [], users=[user(4), user(2, identity="another name", result="vanished"), user(1)])

    comparison, feed = again(root)

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
    root = tmp_path / "root"
    publish(root, OLD, [], users=[user(1)])
    publish(root, NEW, [], users=[user(1), user(2, sid=None), user(3, sid=None)])

    assert again(root)[1] == []


def test_a_removal_from_an_incomplete_snapshot_is_unknown(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)])
    publish(root, NEW, [row(2, 1)], failures=[{"user_sid": user_sid(1), "reason": "502"}])

    comparison, feed = again(root)

    types = [line["change_type"] for line in feed if line["dataset"] == "user_conversations"]
    assert types == ["removal_unknown", "added"]
    assert comparison.comparability.reasons == (f"the snapshot of {NEW} is incomplete: 1 users could not be read",)


def test_after_an_incomplete_snapshot_neither_additions_nor_removals_are_known(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)], failures=[{"user_sid": user_sid(2), "reason": "502"}])
    publish(root, NEW, [row(2, 1)])

    comparison, feed = again(root)

    types = [line["change_type"] for line in feed if line["dataset"] == "user_conversations"]
    assert types == ["removal_unknown", "addition_unknown"]
    found = comparison.user_conversations
    assert (found.removal_unknown, found.addition_unknown, found.removed, found.added) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ({"roster": None}, {}, "does not say which users"),
        ({}, {"roster": RosterScope(("all",), users_sha256="a")}, "different users"),
        ({}, {"roster": RosterScope((SERVICE,))}, "different services"),
        ({"roster": RosterScope(("all",), limit=5)}, {"roster": RosterScope(("all",), limit=5)}, "trial"),
        ({}, {"account_sid": "AC" + "f" * 32}, "two accounts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rosters_that_differ_tell_nothing_about_missing_rows(old: Any, new: Any, why: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)], **old)
    publish(root, NEW, [row(2, 1)], **new)

    comparison, feed = again(root)

    assert {line["change_type"] for line in feed} == {"addition_unknown", "removal_unknown"}
    assert why in comparison.comparability.reasons[0]


def test_a_column_that_was_left_empty_is_not_a_change(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)])
    publish(root, NEW, [row(1, 1, friendly_name=None)], blanked_columns=("friendly_name",))

    comparison, feed = again(root)

    assert feed == []
    assert comparison.fields_left_out == ("friendly_name",)


def test_files_that_are_not_sorted_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)])
    wrong = put(root, "user_conversations", USER_CONVERSATIONS, [row(2, 1), row(1, 1)], day=NEW, name="r-7.parquet")
    publish(root, NEW, [], files=(wrong,))

    with pytest.raises(BadInput, match="not sorted"):
        again(root)


def test_the_feed_has_one_schema_and_says_what_it_compares(tmp_path: Path) -> None:
    compared(tmp_path / "root", [row(1, 1)], [row(1, 2)])

    schema = pq.read_schema(tmp_path / "feed.parquet")
    assert schema.equals(CHANGES)
    assert schema.metadata[b"readstate.from"] == b"2026-11-22 r-2026-11-22"


def test_an_export_can_publish_what_changed_since_the_previous_snapshot(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(root, OLD, [row(1, 1)])
    publish(root, NEW, [row(1, 1), row(1, 2)])

    comparison = compare_with_previous(open_snapshot(str(root)))

    assert comparison is not None
    assert comparison.before.snapshot_date == OLD
    feed = pq.ParquetFile(root / "changes" / f"snapshot_date={NEW}" / f"since-{OLD}.parquet").read()
    assert feed["change_type"].to_pylist() == ["added"]


def test_the_first_snapshot_has_no_previous(tmp_path: Path) -> None:
    publish(tmp_path / "root", OLD, [row(1, 1)])

    assert compare_with_previous(open_snapshot(str(tmp_path / "root"))) is None


SOME_ROWS = st.dictionaries(
    st.tuples(st.integers(1, 4), st.integers(1, 6)),
    st.fixed_dictionaries(
        {
            "unread_messages_count": st.sampled_from([None, 0, 1, 1000]),
            "last_read_message_index": st.sampled_from([None, 0, 2**40]),
            "friendly_name": st.sampled_from([None, "", "ü\n"]),
            "conversation_state": st.sampled_from([None, "active", "closed", "new state"]),
            "date_updated": st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC)]),
        }
    ),
    max_size=24,
)


@given(old=SOME_ROWS, new=SOME_ROWS, parts=st.integers(1, 3), batch=st.integers(1, 5))
def test_the_feed_is_what_brute_force_finds(old: Any, new: Any, parts: int, batch: int) -> None:
    """Whatever the rows, and wherever files and batches end."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "_BATCH_ROWS", batch)
        before = [row(*key, **fields) for key, fields in old.items()]
        after = [row(*key, **fields) for key, fields in new.items()]
        comparison, feed = compared(Path(folder) / "root", before, after, parts=parts)

    expected = brute_force(before, after)
    told = [
        (line["user_sid"], line["conversation_sid"], line["change_type"], line["field"], line["before"], line["after"])
        for line in feed
        if line["dataset"] == "user_conversations"
    ]
    assert told == expected
    found = comparison.user_conversations
    assert found.added == sum(line[2] == "added" for line in expected)
    assert found.removed == sum(line[2] == "removed" for line in expected)
    assert found.changed == len({line[:2] for line in expected if line[2] == "changed"})
    assert found.unchanged + found.changed + found.removed == found.before == len(before)
    assert found.unchanged + found.changed + found.added == found.after == len(after)


def brute_force(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[Any]:
    old = {(line["user_sid"], line["conversation_sid"]): line for line in before}
    new = {(line["user_sid"], line["conversation_sid"]): line for line in after}
    lines: list[Any] = []
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            lines.append((*key, "added", None, None, None))
        elif key not in new:
            lines.append((*key, "removed", None, None, None))
        else:
            lines += [
                (*key, "changed", name, as_text(old[key].get(name)), as_text(new[key].get(name)))
                for name in USER_CONVERSATIONS.names
                if name not in {*KEY, "snapshot_at", "unread_capped"} and old[key].get(name) != new[key].get(name)
            ]
    return lines


def as_text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}Z"
    return None if value is None else str(value)


def test_the_schema_of_users_has_the_key_that_comparing_needs() -> None:
    assert set(comparing.USER_KEY) <= set(USERS.names)
