from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from readstate.changes.current_state.partial_listing import Listed, list_wanted


async def pages(rows: list[str], size: int) -> AsyncIterator[list[str]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


async def found_with(rows: list[str], wanted: set[str], size: int) -> tuple[Listed[str], int]:
    listed = await list_wanted(pages(rows, size), lambda row: (row,), wanted, read_on=lambda so_far: so_far.paging_pays)
    requests = listed.pages + (0 if listed.complete else len(listed.wanted))
    return listed, requests


async def test_pages_stop_when_all_is_found() -> None:
    listed, requests = await found_with([str(number) for number in range(100)], {"0", "1"}, 10)

    assert requests == 1
    assert set(listed.found) == {"0", "1"}
    assert not listed.complete


async def test_pages_stop_when_single_requests_are_cheaper() -> None:
    listed, requests = await found_with([str(number) for number in range(1000)], {"998", "999"}, 10)

    assert (listed.pages, requests) == (2, 4)


async def test_one_row_may_be_wanted_under_two_names() -> None:
    listed = await list_wanted(pages(["a"], 5), lambda row: (row, row.upper()), {"a", "A"}, read_on=lambda _: True)

    assert listed.found == {"a": "a", "A": "a"}
    assert listed.seen == {"a"}
    assert listed.complete


@given(st.integers(0, 40), st.integers(2, 40), st.integers(1, 7), st.randoms())
async def test_it_costs_at_most_twice_the_best_choice_in_hindsight(
    length: int, many: int, size: int, chance: object
) -> None:
    rows = [str(number) for number in range(length)]
    chance.shuffle(rows)  # type: ignore[attr-defined]
    wanted = {str(number) for number in range(many)}

    listed, requests = await found_with(rows, wanted, size)

    best = min(len(wanted), max(1, -(-length // size)))
    assert requests <= 2 * best
    assert set(listed.found) | listed.wanted == wanted
