"""Pages: every row once, tokens that stay valid, and links like Twilio's."""

import re
from itertools import pairwise

import pytest

from readstate.simulator.api.lists.page_token import PageToken
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi


@pytest.mark.parametrize("size", [1, 7, 50])
def test_pages_hold_every_row_once_and_lead_back_again(api: SimulatedApi, size: int) -> None:
    paths = [
        "/v1/Services",
        "/v1/Users",
        "/v1/Conversations",
        f"/v1/Users/{api.user_with(60)}/Conversations",
        f"{api.membership()['links']['conversation']}/Messages",
        f"{api.membership()['links']['conversation']}/Messages?Order=desc",
        f"{api.membership()['links']['conversation']}/Participants",
    ]
    for path in paths:
        pages = api.pages(f"{path}{'&' if '?' in path else '?'}PageSize={size}")
        key = pages[0]["meta"]["key"]

        rows = [row.get("conversation_sid", "") + row.get("sid", "") for page in pages for row in page[key]]
        assert len(set(rows)) == len(rows)
        assert all(len(page[key]) == size for page in pages[:-1])
        assert [page["meta"]["page"] for page in pages] == list(range(len(pages)))
        assert all(api.get(page["meta"]["url"]) == page for page in pages)
        assert all(page["meta"]["first_page_url"] == pages[0]["meta"]["url"] for page in pages)
        for earlier, page in pairwise(pages):
            assert api.get(page["meta"]["previous_page_url"])[key] == earlier[key]
        assert pages[0]["meta"]["previous_page_url"] is None


def test_a_full_page_at_the_very_end_has_no_next() -> None:
    big = SimulatedApi(WorldShape(users=2_000))

    fifty = big.pages(f"/v1/Users/{big.user_with(50)}/Conversations")
    fifty_one = big.pages(f"/v1/Users/{big.user_with(51)}/Conversations")
    nobody = big.pages(f"/v1/Users/{big.user_with(0)}/Conversations")

    assert [len(page["conversations"]) for page in fifty] == [50]
    assert [len(page["conversations"]) for page in fifty_one] == [50, 1]
    assert [len(page["conversations"]) for page in nobody] == [0]


def test_links_to_pages_look_like_twilios(api: SimulatedApi) -> None:
    meta = api.get("/v1/Users?PageSize=2")["meta"]

    assert list(meta) == [
        "page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key",
    ]  # fmt: skip
    assert re.fullmatch(
        r"http://127\.0\.0\.1/v1/Users\?PageSize=2&PageToken=PTeyJvcm[\w-]+&Page=1", meta["next_page_url"]
    )


def test_there_is_nothing_before_the_beginning(api: SimulatedApi) -> None:
    first = min(user.sid for user in api.service.users())

    page = api.get(f"/v1/Users?PageToken={PageToken(first, backwards=True).write()}&Page=1")

    assert page["users"] == []
    assert page["meta"]["previous_page_url"] is None


@pytest.mark.parametrize("token", ["", "PT", "PTx", "nonsense", "PTe30", "PT" + "e" * 9, "PBeyJvcmRlciI6ImFzYyJ9", "é"])
def test_a_foreign_token_is_refused(api: SimulatedApi, token: str) -> None:
    assert api.ask("GET", f"/v1/Users?PageToken={token}").code == 21481


def test_a_token_of_another_list_is_refused_where_it_makes_no_sense(api: SimulatedApi) -> None:
    messages = f"{api.membership()['links']['conversation']}/Messages"

    assert api.ask("GET", f"{messages}?PageToken={PageToken('USx').write()}").code == 21481


@pytest.mark.parametrize("query", ["PageSize=0", "PageSize=-1", "PageSize=many", "Page=-1", "Page=x"])
def test_a_page_that_cannot_be_is_refused(api: SimulatedApi, query: str) -> None:
    assert api.ask("GET", f"/v1/Users?{query}").status == 400


def test_a_token_stays_good_when_rows_before_and_behind_it_go(api: SimulatedApi) -> None:
    user = api.user_with(60)
    first = api.get(f"/v1/Users/{user}/Conversations?PageSize=20")
    rest = api.rows(first["meta"]["next_page_url"])
    for row in [*first["conversations"][-3:], *rest[:2]]:
        api.ask("DELETE", row["url"])

    after = api.rows(first["meta"]["next_page_url"])

    assert after == rest[2:]
