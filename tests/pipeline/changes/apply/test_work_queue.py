from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import astuple

from readstate.changes.apply.work_queue import WorkQueue, by_user, unfinished_rows
from readstate.changes.runs.journal import create_journal
from readstate.changes.runs.results import paired
from readstate.errors import Damaged, LocalDisk
from readstate.model.desired import Operation
from tests.helpers.journals import header_of, record
from tests.helpers.plans import plan_row, removal_row, written_plan


@pytest.fixture
def work(tmp_path: Path) -> WorkQueue:
    return WorkQueue(tmp_path / "work.sqlite")


def test_rows_come_back_whole_by_phase_and_those_of_a_user_together(work: WorkQueue) -> None:
    rows = [plan_row(number, user_sid=f"US{number % 7:032x}") for number in range(50)]
    rows += [removal_row(number) for number in range(50, 55)]

    work.fill(rows)

    updates = list(work.rows(Operation.UPDATE))
    assert sorted(map(astuple, updates)) == list(map(astuple, rows[:50]))
    assert len(list(by_user(updates))) == 7
    assert work.count(Operation.UPDATE) == 50
    assert {row.plan_row_id for row in work.rows(Operation.DELETE)} == set(range(50, 55))
    assert astuple(work.get(53)) == astuple(rows[53])
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


def test_bytes_of_another_are_told_as_damage(work: WorkQueue) -> None:
    work.fill(plan_row(number) for number in range(1_000))
    work._connection.execute("PRAGMA cache_size = 0")
    with work.path.open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xff" * 100_000)

    with pytest.raises(Damaged, match="work queue is damaged"):
        list(work.rows(Operation.UPDATE))


@pytest.mark.parametrize("number", [1, 2, 7])
def test_a_journal_with_a_row_that_the_plan_does_not_change_is_damaged(number: int, tmp_path: Path) -> None:
    plan = written_plan(tmp_path / "plans", plan_row(0), plan_row(3))
    with closing(create_journal(tmp_path / "journal.sqlite", header_of(plan))) as journal:
        journal.commit([record(number)])

        with pytest.raises(Damaged, match=f"the plan changes no row {number}"):
            list(unfinished_rows(plan, journal))
        with pytest.raises(Damaged, match=f"the plan has no row {number}"):
            list(paired(plan, journal))
