"""Which order the rows of a list are in, and whether a row can move past the reader."""

import json

import pytest

from readstate.foreign_json import MAX_VALUES
from readstate.twilio.lists.list_order import ListOrder, ListRow, list_rows


def rows(*values: tuple[str, int, int]) -> list[ListRow]:
    return [ListRow(None, name, f"2026-11-{created:02}", f"2026-12-{updated:02}") for name, created, updated in values]


BY_NAME = rows(*((f"CH{number:02}", number * 7 % 20 + 1, number * 3 % 20 + 1) for number in range(20)))
BY_CREATED = sorted(BY_NAME, key=lambda row: row.date_created or "")
NEWEST_FIRST = sorted(BY_NAME, key=lambda row: row.date_updated or "", reverse=True)


class TestListOrder:
    @pytest.mark.parametrize("ordered", [BY_NAME, BY_NAME[::-1], BY_CREATED, BY_CREATED[::-1], NEWEST_FIRST[::-1]])
    def test_in_these_orders_an_update_moves_no_row_forward(self, ordered: list[ListRow]) -> None:
        order = ListOrder().after(ordered[:7]).after(ordered[7:])

        assert (order.is_stable, order.is_newest_first) == (True, False)

    def test_the_newest_update_first_is_recognised(self) -> None:
        order = ListOrder().after(NEWEST_FIRST[:7]).after(NEWEST_FIRST[7:])

        assert (order.is_stable, order.is_newest_first) == (False, True)

    @pytest.mark.parametrize(
        "unordered",
        [
            [*BY_NAME[10:], *BY_NAME[:10]],  # by state, then by name
            [*NEWEST_FIRST[10:], *NEWEST_FIRST[:10]],
            [ListRow(None, row.name) for row in NEWEST_FIRST],
            BY_NAME[:11],  # in order by chance, for all that is known
        ],
    )
    def test_any_other_order_is_unknown(self, unordered: list[ListRow]) -> None:
        order = ListOrder()
        for row in unordered:
            order = order.after([row])

        assert (order.is_stable, order.is_newest_first) == (False, False)

    def test_equal_dates_are_no_order(self) -> None:
        shuffled = [ListRow(None, row.name, "2026-11-23", "2026-11-23") for row in NEWEST_FIRST]

        assert not ListOrder().after(shuffled).is_stable


class TestListRows:
    @pytest.mark.parametrize("key", ["conversations", "users", "participants", "services", "messages"])
    def test_the_rows_of_every_list_are_found(self, key: str) -> None:
        body = json.dumps({key: [{"sid": "US1", "conversation_sid": "CH1", "date_updated": "2026"}], "meta": {}})

        assert list_rows(body.encode()) == [ListRow("US1", "CH1", None, "2026")]

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"users": 3}', b"[" * 20_000, b'{"users": [{"sid": "\xff"}]}'])
    def test_what_is_no_page_has_none(self, body: bytes) -> None:
        assert list_rows(body) == []

    def test_a_page_with_more_rows_than_any_reader_takes_has_none(self) -> None:
        assert list_rows(b'{"users": [' + b"{}," * MAX_VALUES + b"{}]}") == []
