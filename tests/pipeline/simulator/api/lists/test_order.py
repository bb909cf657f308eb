"""Lists come in every order that an account may have, and rows that are updated move while they are read."""

from typing import Any

import pytest

from readstate.simulator.api.behaviour import ConversationList, OrderedList
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi

SHAPE = WorldShape(users=120, heaviest=60)
_DATES = {"sid": [], "created": ["date_created"], "updated": ["date_updated"]}


def _sid(row: dict[str, Any]) -> str:
    return str(row.get("sid") or row["conversation_sid"])


def _state(row: dict[str, Any]) -> str:
    return str(row.get("state") or row["conversation_state"])


@pytest.mark.parametrize("token_form", ["json", "sort_key"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("order", ["sid", "created", "updated"])
def test_every_list_has_its_order_and_leads_back(order: Any, direction: Any, token_form: Any) -> None:
    plain = OrderedList(order=order, direction=direction)
    by_state = ConversationList(order=order, direction=direction, state_first="yes")
    api = SimulatedApi(
        SHAPE,
        users=plain,
        participants=plain,
        conversations=by_state,
        user_conversations=by_state,
        token_form=token_form,
    )
    api.ask("POST", "/v1/Users", Identity="new")
    api.ask("POST", "/v1/Users/new", FriendlyName="Newer")
    crowd = max(api.service.conversations(), key=lambda found: len(api.service.participants(found)))
    lists = {
        "/v1/Users": [],
        f"/v1/Conversations/{crowd.sid}/Participants": [],
        "/v1/Conversations": [_state],
        f"/v1/Users/{api.user_with(60)}/Conversations": [_state],
    }
    for path, first in lists.items():
        pages = api.pages(f"{path}?PageSize=7")
        key = pages[0]["meta"]["key"]
        rows = [row for page in pages for row in page[key]]

        def rank(row: Any, first: Any = first) -> list[str]:
            return [*(part(row) for part in first), *(row[name] for name in _DATES[order]), _sid(row)]

        assert len(pages) > 1
        assert rows == sorted(rows, key=rank, reverse=direction == "desc")
        assert {_sid(row) for row in rows} == {_sid(row) for row in api.rows(path)}
        assert len({_sid(row) for row in rows}) == len(rows)
        assert api.get(pages[1]["meta"]["previous_page_url"])[key] == pages[0][key]


def test_an_order_may_mean_nothing() -> None:
    plain, shuffled = SimulatedApi(SHAPE), SimulatedApi(SHAPE, user_conversations=ConversationList(order="shuffled"))
    path = f"/v1/Users/{plain.user_with(60)}/Conversations?PageSize=7"

    by_sid = [row["conversation_sid"] for row in plain.rows(path)]
    mixed = [row["conversation_sid"] for row in shuffled.rows(path)]

    assert by_sid == sorted(by_sid) != mixed
    assert sorted(mixed) == by_sid


def test_tokens_have_the_forms_that_were_seen() -> None:
    recency = ConversationList(order="updated", direction="desc", state_first="yes")
    path = "/v1/Conversations?PageSize=2"
    api = SimulatedApi(SHAPE, conversations=recency, token_form="sort_key")

    page = api.get(path)
    last = page["conversations"][-1]

    date = last["date_updated"].replace("Z", ".000Z")
    assert f"&PageToken=PT{last['state']}_{date}_{last['sid']}&Page=1" in page["meta"]["next_page_url"]
    assert "&PageToken=PTeyJ" in SimulatedApi(SHAPE, conversations=recency).get(path)["meta"]["next_page_url"]
    assert api.ask("GET", "/v1/Conversations?PageToken=PTeyJ/").code == 21481


@pytest.mark.parametrize(("direction", "lost", "again"), [("desc", 1, 0), ("asc", 0, 1)])
def test_a_row_that_is_updated_while_the_list_is_read_moves_to_the_newest_end(
    direction: Any, lost: int, again: int
) -> None:
    api = SimulatedApi(
        SHAPE,
        user_conversations=ConversationList(order="updated", direction=direction),
        message_moves_date_updated="yes",
    )
    path = f"/v1/Users/{api.user_with(60)}/Conversations?PageSize=20"
    before = [row["conversation_sid"] for row in api.rows(path)]
    first = api.get(path)
    moved = before[30] if direction == "desc" else before[10]

    api.ask("POST", f"/v1/Conversations/{moved}/Messages", Body="hello")
    seen = [*first["conversations"], *api.rows(first["meta"]["next_page_url"])]

    sids = [row["conversation_sid"] for row in seen]
    assert len(set(before) - set(sids)) == lost
    assert len(sids) - len(set(sids)) == again


def test_a_message_may_leave_the_date_of_its_conversation() -> None:
    api = SimulatedApi(SHAPE)
    row = api.membership()

    api.ask("POST", f"{row['links']['conversation']}/Messages", Body="hello")

    assert api.get(row["url"])["date_updated"] == row["date_updated"]


@pytest.mark.parametrize("token_form", ["json", "sort_key"])
def test_rows_that_are_shifted_come_on_the_last_page(token_form: Any) -> None:
    recency = ConversationList(order="updated", direction="desc", state_first="yes")
    api = SimulatedApi(SHAPE, user_conversations=recency, token_form=token_form)
    path = f"/v1/Users/{api.user_with(60)}/Conversations?PageSize=7"
    right = [row["conversation_sid"] for row in api.rows(path)]
    api.faults(shift_row_share=0.5)

    shifted = [row["conversation_sid"] for row in api.rows(path)]

    assert shifted != right
    assert sorted(shifted) == sorted(right)
