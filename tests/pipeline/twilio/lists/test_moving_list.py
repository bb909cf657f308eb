"""Whatever moves between pages, a row that was in the list throughout is read."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import UnusableAnswer
from readstate.events import Event, PageReread
from readstate.twilio.client import Reader
from readstate.twilio.http import request as requests
from readstate.twilio.lists.moving_list import MAX_PAGES, MOST_READINGS, ListPosition, MovingList
from tests.helpers.moving_rows import ORDERS, MovingRow, MovingRows
from tests.helpers.scripted_transport import page

FIRST = requests.list_user_conversations(None, "US" + "a" * 32)
STABLE = ["name", "name descending", "created", "created descending", "updated"]
UNSTABLE = [order for order in ORDERS if order not in STABLE]


def some_rows(count: int) -> list[MovingRow]:
    return [MovingRow(f"CH{n * 37 % 101:03}", n * 11 % 17, n * 7 % 53, n % 3) for n in range(count)]


async def read(rows: MovingRows, emit: Any = lambda event: None) -> list[str]:
    reader, moving = Reader(rows, emit=emit), MovingList(FIRST)
    names: list[str] = []
    while (page := await reader.next_page(moving)) is not None:
        names += [row["conversation_sid"] for row in page.json(dict[str, Any])["conversations"]]
    return names


@st.composite
def moving_rows(
    draw: st.DrawFn, order: str, *, dated: bool = True, move_often: bool = True, ticks: int = 0
) -> MovingRows:
    rows = some_rows(draw(st.integers(1 if ticks == 0 else 40, 50)))
    moved = draw(st.lists(st.tuples(st.integers(1, 12), st.integers(0, len(rows) - 1)), max_size=25))
    if not move_often:
        moved = list({number: (when, number) for when, number in moved}.values())
    moves: dict[int, list[int]] = {}
    for when, number in moved:
        moves.setdefault(when, []).append(number)
    return MovingRows(rows, order, size=draw(st.integers(2, 15)), moves=moves, dated=dated, ticks=ticks)


@given(data=st.data())
@pytest.mark.parametrize("order", [*STABLE, "updated descending"])
async def test_no_row_is_missed_however_often_rows_move(order: str, data: st.DataObject) -> None:
    rows = data.draw(moving_rows(order, ticks=1))

    assert set(await read(rows)) == {row.name for row in rows.rows}


@given(data=st.data())
@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("order", UNSTABLE)
async def test_no_row_is_missed_where_the_order_is_unknown_and_each_row_moves_once(
    order: str, dated: bool, data: st.DataObject
) -> None:
    rows = data.draw(moving_rows(order, dated=dated, move_often=False))

    assert set(await read(rows)) == {row.name for row in rows.rows}


@pytest.mark.parametrize(
    ("order", "count", "rereads"),
    [
        *[(order, 40, 0) for order in STABLE],
        ("updated descending", 40, 1),
        ("state, then updated descending", 40, 4),
        *[(order, 10, 0) for order in ORDERS],
    ],
)
async def test_pages_are_read_again_only_where_the_order_asks_for_it(order: str, count: int, rereads: int) -> None:
    rows = MovingRows(some_rows(count), order, size=10, moves={})
    events: list[Event] = []

    names = await read(rows, events.append)

    assert events == [PageReread(FIRST.path)] * rereads
    assert len(names) == count, "a page that brings nothing new is not passed on"


async def test_rows_of_one_second_that_fill_pages_come_to_an_end() -> None:
    rows = [MovingRow(f"CH{number * 37 % 101:03}", number, 100 - number // 25) for number in range(40)]
    moving = MovingRows(rows, "updated descending", size=5, moves={})

    assert len(set(await read(moving))) == 40
    assert moving.requests == 8 + 6 + 6


async def test_a_list_that_moves_faster_than_it_is_read_is_an_error() -> None:
    rows = some_rows(40)
    moves = {request: range(request % 4 * 10, request % 4 * 10 + 10) for request in range(9, 50 * MOST_READINGS)}

    with pytest.raises(UnusableAnswer, match="moved during each of"):
        await read(MovingRows(rows, "updated descending", size=5, moves=moves))


def test_a_list_that_never_ends_is_ended_and_one_of_users_later_than_any_other() -> None:
    last = page("conversations", [], "/?PageToken=PT1")
    users = requests.list_users(None)

    MovingList(ListPosition(first=users, request=users, pages=MAX_PAGES)).advance(last)
    with pytest.raises(UnusableAnswer, match="not ended after 10000 pages"):
        MovingList(ListPosition(first=FIRST, request=FIRST, pages=MAX_PAGES - 1)).advance(last)


@pytest.mark.parametrize("query", ["PageToken=PT1", "PageToken=PT1&Page=7"])
def test_a_token_that_comes_again_is_refused_whatever_its_page_number(query: str) -> None:
    moving = MovingList(FIRST)
    for token in ("PT1&Page=1", "PT2&Page=2"):
        moving.advance(page("conversations", [], f"/?PageToken={token}"))

    with pytest.raises(UnusableAnswer, match="already read"):
        moving.advance(page("conversations", [], f"/?{query}"))


async def test_a_position_stored_as_json_goes_on_in_another_process() -> None:
    rows = MovingRows(some_rows(40), "updated descending", size=10, moves={4: [0], 5: [1]})
    position: ListPosition | None = ListPosition(first=FIRST, request=FIRST)
    names: set[str] = set()

    while position is not None:
        resumed = MovingList(msgspec.json.decode(msgspec.json.encode(position), type=ListPosition))
        page = await rows.send(position.request)
        resumed.advance(page)
        names.update(row["conversation_sid"] for row in page.json(dict[str, Any])["conversations"])
        position = resumed.position

    assert names == {row.name for row in rows.rows}
