"""Messages are listed, added and deleted."""

import pytest

from tests.helpers.simulated_api import SimulatedApi


@pytest.fixture
def desk() -> SimulatedApi:
    return SimulatedApi()


def test_deleting_the_newest_message_leaves_horizons_behind_it(desk: SimulatedApi) -> None:
    row = desk.membership()
    messages = f"{row['links']['conversation']}/Messages"
    newest = desk.get(f"{messages}?Order=desc&PageSize=1")["messages"][0]
    desk.ask("POST", row["url"], LastReadMessageIndex=str(newest["index"]))

    deleted = desk.ask("DELETE", newest["url"])

    left = desk.get(f"{messages}?Order=desc&PageSize=1")["messages"]
    assert deleted.status == 204
    assert not left or left[0]["index"] < newest["index"]
    assert desk.get(row["url"])["last_read_message_index"] == newest["index"]
    assert desk.ask("GET", newest["url"]).status == 404


def test_messages_come_in_the_order_that_was_asked(desk: SimulatedApi) -> None:
    messages = f"{desk.membership()['links']['conversation']}/Messages"

    up = [found["index"] for found in desk.rows(f"{messages}?Order=asc&PageSize=3")]
    down = [found["index"] for found in desk.rows(f"{messages}?Order=desc&PageSize=3")]

    assert up == sorted(up) == down[::-1]
    assert desk.ask("GET", f"{messages}?Order=sideways").status == 400
