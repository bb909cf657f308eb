"""The order of the work, and samples of it."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.apply.keyed_limit import KeyedLimit
from readstate.changes.apply.work_queue import WorkQueue, by_user
from readstate.changes.rules.sampling import is_sampled
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


@given(share=st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]))
def test_a_sample_has_its_size_wherever_it_is_taken(share: float) -> None:
    for begin in (0, 10_000, 123_456):
        taken = sum(is_sampled(number, share) for number in range(begin, begin + 10_000))
        assert taken == pytest.approx(share * 10_000, abs=60)


async def test_a_keyed_limit_holds_each_key_apart_and_forgets_keys_that_nobody_uses() -> None:
    import asyncio

    limit, inside, most = KeyedLimit(2), Counter[str](), Counter[str]()

    async def work(key: str) -> None:
        async with limit.hold(key):
            inside[key] += 1
            most[key] = max(most[key], inside[key])
            await asyncio.sleep(0)
            inside[key] -= 1

    await asyncio.gather(*(work(key) for key in "aaaaabbbc"))

    assert most == {"a": 2, "b": 2, "c": 1}
    assert limit._held == {}
