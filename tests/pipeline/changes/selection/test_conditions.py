from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.selection.conditions import COLUMNS, Conditions, LeftOut, MarkAction, select
from readstate.changes.selection.exclusions import Exclusions
from readstate.model.desired import LATEST, Update
from readstate.snapshot.published.schema import ROWS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
USERS, CONVERSATIONS = ["US1", "US2", "US3"], ["CH1", "CH2", "CH3"]

a_row = st.fixed_dictionaries(
    {
        "user_sid": st.sampled_from(USERS),
        "conversation_sid": st.sampled_from(CONVERSATIONS),
        "conversation_state": st.sampled_from(["active", "inactive", "closed", "new", None]),
        "notification_level": st.sampled_from(["default", "muted", None]),
        "date_updated": st.none() | st.sampled_from([NOON + timedelta(hours=hours) for hours in (-2, 0, 2)]),
        "unread_messages_count": st.sampled_from([None, 0, 1, 5, 1000]),
        "last_read_message_index": st.sampled_from([None, 0, 7]),
    }
)
some_exclusions = st.builds(
    Exclusions,
    st.frozensets(st.sampled_from(USERS), max_size=1),
    st.frozensets(st.sampled_from(CONVERSATIONS), max_size=1),
    st.frozensets(st.tuples(st.sampled_from(USERS), st.sampled_from(CONVERSATIONS)), max_size=2),
)
some_conditions = st.fixed_dictionaries(
    {
        "states": st.frozensets(st.sampled_from(["active", "inactive", "closed"]), min_size=1),
        "unread_at_least": st.sampled_from([None, 1, 5]),
        "muted": st.booleans(),
        "updated_before": st.sampled_from([None, NOON]),
        "excluded": some_exclusions,
    }
)
an_action = st.one_of(
    st.builds(MarkAction, never_read_too=st.booleans(), level=st.sampled_from([None, "muted", "default"])),
    st.builds(MarkAction, read=st.just(False), level=st.sampled_from(["muted", "default"])),
)


def plainly(row: dict[str, Any], conditions: dict[str, Any], action: MarkAction) -> Update | LeftOut:
    """What becomes of one row, said without haste."""
    user, conversation, state = row["user_sid"], row["conversation_sid"], row["conversation_state"]
    unread, horizon, level = row["unread_messages_count"], row["last_read_message_index"], row["notification_level"]
    excluded, before, least = conditions["excluded"], conditions["updated_before"], conditions["unread_at_least"]
    if user in excluded.users or conversation in excluded.conversations or (user, conversation) in excluded.memberships:
        return LeftOut.EXCLUDED
    if state not in conditions["states"]:
        return LeftOut.CLOSED if state == "closed" else LeftOut.OTHER_STATE
    if conditions["muted"] and level != "muted":
        return LeftOut.NOT_MUTED
    if before is not None and (row["date_updated"] is None or row["date_updated"] >= before):
        return LeftOut.UPDATED_SINCE
    if least is not None and (unread is None or unread < least):
        return LeftOut.FEWER_UNREAD
    may_move = horizon is not None or action.never_read_too
    index = LATEST if action.read and may_move and unread != 0 else None
    wanted = action.level if action.level is not None and level != action.level else None
    if index is not None or wanted is not None:
        return Update(last_read_message_index=index, notification_level=wanted)
    if not action.read:
        return LeftOut.LEVEL_IS_SO
    return LeftOut.NOTHING_UNREAD if may_move else LeftOut.NEVER_READ


@given(rows=st.lists(a_row, max_size=12), conditions=some_conditions, action=an_action)
def test_every_row_is_selected_or_left_out_for_its_first_reason(
    rows: list[dict[str, Any]], conditions: dict[str, Any], action: MarkAction
) -> None:
    statuses = [plainly(row, conditions, action) for row in rows]

    selection = select(pa.Table.from_pylist(rows, schema=ROWS), Conditions(**conditions), action)

    assert selection.desired == [status for status in statuses if isinstance(status, Update)]
    chosen = [row for row, status in zip(rows, statuses, strict=True) if isinstance(status, Update)]
    assert [{name: row[name] for name in rows[0]} for row in selection.rows.to_pylist()] == chosen
    assert selection.left_out == Counter(status for status in statuses if isinstance(status, LeftOut))
    assert len(selection.rows) + selection.left_out.total() == len(rows)


@given(rows=st.lists(a_row, max_size=12), conditions=some_conditions, action=an_action, cut=st.integers(0, 12))
def test_it_makes_no_difference_how_rows_are_divided_into_tables(
    rows: list[dict[str, Any]], conditions: dict[str, Any], action: MarkAction, cut: int
) -> None:
    table = pa.Table.from_pylist(rows, schema=ROWS)

    whole = select(table, Conditions(**conditions), action)
    parts = [select(part, Conditions(**conditions), action) for part in (table[:cut], table[cut:])]

    assert [desired for part in parts for desired in part.desired] == whole.desired
    assert parts[0].left_out + parts[1].left_out == whole.left_out


def test_only_the_columns_that_it_names_are_needed() -> None:
    row = dict.fromkeys(COLUMNS) | {"user_sid": "US1", "conversation_sid": "CH1", "conversation_state": "active"}
    table = pa.Table.from_pylist([row], schema=pa.schema([ROWS.field(name) for name in COLUMNS]))

    assert select(table, Conditions(), MarkAction()).left_out == {LeftOut.NEVER_READ: 1}
