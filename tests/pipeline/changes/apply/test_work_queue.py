from pathlib import Path

import pytest

from readstate.changes.apply.work_queue import WorkQueue, by_user
from readstate.errors import LocalDisk
from readstate.model.desired import Operation
from tests.helpers.plans import plan_row, removal_row


@pytest.fixture
def work(tmp_path: Path) -> WorkQueue:
    return WorkQueue(tmp_path / "work.sqlite")


def test_rows_come_back_whole_by_phase_and_those_of_a_user_together(work: WorkQueue) -> None:
    rows = [plan_row(number, user_sid=f"US{number % 7:032x}") for number in range(50)]
    rows += [removal_row(number) for number in range(50, 55)]

    work.fill(rows)

    updates = list(work.rows(Operation.UPDATE))
    assert sorted(updates, key=lambda row: row.plan_row_id) == rows[:50]
    assert len(list(by_user(updates))) == 7
    assert work.count(Operation.UPDATE) == 50
    assert {row.plan_row_id for row in work.rows(Operation.DELETE)} == set(range(50, 55))
    assert work.get(53) == rows[53]
    with pytest.raises(KeyError):
        work.get(55)


def test_users_come_in_an_order_that_is_not_that_of_the_plan(work: WorkQueue) -> None:
    work.fill(plan_row(number) for number in range(200))

    order = [row.plan_row_id for row in work.rows(Operation.UPDATE)]

    assert order != sorted(order)
    assert abs(sum(order[:100]) / 100 - 100) < 25


def test_the_scratch_file_is_gone_afterwards_and_made_anew_by_the_next_start(work: WorkQueue) -> None:
    work.fill([plan_row(0)])
    again = WorkQueue(work.path)
    assert again.count(Operation.UPDATE) == 0

    again.close()

    assert not work.path.exists()


def test_a_disk_without_room_is_told(work: WorkQueue) -> None:
    work._connection.execute("PRAGMA max_page_count = 4")

    with pytest.raises(LocalDisk):
        work.fill(plan_row(number) for number in range(1_000))
