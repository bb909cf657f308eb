from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from readstate.changes.planning.workspace import PlanWorkspace
from readstate.changes.selection.conditions import Conditions, MarkAction
from readstate.changes.selection.selected_rows import SelectedRows
from readstate.model.membership import Present, Unknown, Unreadable
from readstate.snapshot.published.schema import ROWS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
US, OTHER = ("US" + digit * 32 for digit in "ab")
CH, SECOND = ("CH" + digit * 32 for digit in "cd")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[PlanWorkspace]:
    opened = PlanWorkspace(tmp_path)
    yield opened
    opened.close()


def row(user: str = US, conversation: str = CH, **changes: Any) -> dict[str, Any]:
    return {
        "user_sid": user, "conversation_sid": conversation, "conversation_state": "active",
        "notification_level": "default", "unread_messages_count": 2, "last_read_message_index": 3,
    } | changes  # fmt: skip


def add(selected: SelectedRows, *rows: dict[str, Any]) -> None:
    selected.add(pa.Table.from_pylist(list(rows), schema=ROWS), NOON)


def test_rows_become_lines_with_their_current_state(workspace: PlanWorkspace) -> None:
    selected = SelectedRows(workspace, Conditions(), MarkAction())
    add(selected, row(), row(conversation=SECOND), row(OTHER), row(last_read_message_index=None))

    assert selected.drop_repeated() == 3
    assert (selected.rows, selected.left_out()) == (4, {"never_read": 1})
    lines = list(workspace.lines())
    assert [(line.intent.line, line.intent.user, line.intent.conversation) for line in lines] == [
        (1, US, CH), (2, US, SECOND), (3, OTHER, CH)
    ]  # fmt: skip
    assert {(line.read_at, line.source) for line in lines} == {(NOON, "list")}
    assert all(isinstance(line.current, Present) for line in lines)


def test_of_a_row_that_came_twice_in_one_table_or_two_the_last_reading_stays(workspace: PlanWorkspace) -> None:
    selected = SelectedRows(workspace, Conditions(), MarkAction())
    add(selected, row(last_read_message_index=3), row(conversation=SECOND), row(last_read_message_index=5))
    add(selected, row(last_read_message_index=7))

    assert selected.drop_repeated() == 2
    found = {line.intent.conversation: line.current for line in workspace.lines()}
    assert isinstance(found[CH], Present)
    assert found[CH].last_read_message_index == 7


@pytest.mark.parametrize("wrong", [row(user="US/.."), row(conversation="CH1")])
def test_what_is_named_by_no_sid_can_never_be_changed(wrong: dict[str, Any], workspace: PlanWorkspace) -> None:
    add(SelectedRows(workspace, Conditions(), MarkAction()), wrong)

    (line,) = workspace.lines()
    assert isinstance(line.current, Unreadable)


def test_the_audience_are_those_of_whom_something_changes(workspace: PlanWorkspace) -> None:
    third = "CH" + "e" * 32
    selected = SelectedRows(workspace, Conditions(), MarkAction())
    add(selected, row(), row(conversation=SECOND), row(OTHER, SECOND), row(OTHER, third))
    workspace.add_newest([(CH, 9), (SECOND, 3), (third, Unknown("timeout"))])

    audience = selected.audience({US, OTHER})

    assert (audience.users, audience.conversations, audience.online) == (1, 1, 1)
    assert selected.audience(None).online is None


def test_a_level_is_seen_even_where_no_horizon_moves(workspace: PlanWorkspace) -> None:
    selected = SelectedRows(workspace, Conditions(), MarkAction(read=False, level="muted"))
    add(selected, row())

    audience = selected.audience({OTHER})

    assert (audience.users, audience.conversations, audience.online) == (1, 1, 0)
