"""The feed says what row-by-row comparison finds."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from readstate.snapshot.compare.comparability import Comparability
from readstate.snapshot.compare.diff import Comparer, DiffCounts
from readstate.snapshot.compare.merge_join import merge_join, with_sort_key
from readstate.snapshot.published.schema import KEY, ROWS, USER_CONVERSATIONS
from tests.helpers.comparing import NEW, OLD, compare_published
from tests.helpers.snapshots import SERVICE, conversation_sid, publish, row, user_sid


def test_a_changed_field_has_both_values(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [row(1, 1, unread_messages_count=5), row(1, 2)])
    changed = row(1, 1, unread_messages_count=None, date_updated=datetime(2026, 11, 1, tzinfo=UTC))
    publish(tmp_path, NEW, [changed, row(1, 2)])

    comparison, feed = compare_published(tmp_path)

    key = {"chat_service_sid": SERVICE, "user_sid": user_sid(1), "conversation_sid": conversation_sid(1)}
    shared = {"dataset": "user_conversations", "change_type": "changed", **key}
    dates = {"before": "2026-10-01 00:00:00.000000Z", "after": "2026-11-01 00:00:00.000000Z"}
    assert feed == [
        {**shared, "field": "unread_messages_count", "before": "5", "after": None},
        {**shared, "field": "date_updated", **dates},
    ]
    found = comparison.user_conversations
    assert (found.changed, found.unchanged, found.added, found.removed) == (1, 1, 0, 0)
    assert found.fields == {"unread_messages_count": 1, "date_updated": 1}


def test_additions_and_removals_after_an_incomplete_snapshot_are_unknown(tmp_path: Path) -> None:
    publish(tmp_path, OLD, [row(1, 1)], failures=[{"user_sid": user_sid(2), "reason": "502"}])
    publish(tmp_path, NEW, [row(2, 1)])

    comparison, feed = compare_published(tmp_path)

    types = [line["change_type"] for line in feed if line["dataset"] == "user_conversations"]
    assert types == ["removal_unknown", "addition_unknown"]
    found = comparison.user_conversations
    assert (found.removal_unknown, found.addition_unknown, found.removed, found.added) == (1, 1, 0, 0)


FIELDS = [name for name in USER_CONVERSATIONS.names if name not in {*KEY, "snapshot_at", "unread_capped"}]
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


@given(old=SOME_ROWS, new=SOME_ROWS, batch_rows=st.integers(1, 5))
def test_the_changes_are_what_brute_force_finds(old: Any, new: Any, batch_rows: int) -> None:
    """Whatever the rows, and wherever batches end."""
    before = [row(*key, **fields) for key, fields in sorted(old.items())]
    after = [row(*key, **fields) for key, fields in sorted(new.items())]
    comparer, counts = Comparer("user_conversations", KEY, FIELDS, Comparability(True, True, ())), DiffCounts()

    pairs = merge_join(stream(before, batch_rows), stream(after, batch_rows))
    changes = [line for pair in pairs for line in comparer.compare(*pair, counts).to_pylist()]

    expected = brute_force(before, after)
    columns = ("user_sid", "conversation_sid", "change_type", "field", "before", "after")
    assert [tuple(line[name] for name in columns) for line in changes] == expected
    assert counts.added == sum(line[2] == "added" for line in expected)
    assert counts.removed == sum(line[2] == "removed" for line in expected)
    assert counts.changed == len({line[:2] for line in expected if line[2] == "changed"})
    assert counts.unchanged + counts.changed + counts.removed == counts.before == len(before)
    assert counts.unchanged + counts.changed + counts.added == counts.after == len(after)


def stream(rows: list[dict[str, Any]], batch_rows: int) -> Iterator[pa.Table]:
    for start in range(0, len(rows), batch_rows):
        lines = [{name: line.get(name) for name in ROWS.names} for line in rows[start : start + batch_rows]]
        yield with_sort_key(pa.Table.from_pylist(lines, schema=ROWS), KEY)


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
                for name in FIELDS
                if old[key].get(name) != new[key].get(name)
            ]
    return lines


def as_text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}Z"
    return None if value is None else str(value)
