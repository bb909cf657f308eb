"""Messages are listed, added and deleted."""

from tests.helpers.simulated_api import SimulatedApi


def test_deleting_the_newest_message_leaves_horizons_behind_it(api: SimulatedApi) -> None:
    row = api.membership()
    messages = f"{row['links']['conversation']}/Messages"
    newest = api.get(f"{messages}?Order=desc&PageSize=1")["messages"][0]
    api.ask("POST", row["url"], LastReadMessageIndex=str(newest["index"]))

    deleted = api.ask("DELETE", newest["url"])

    left = api.get(f"{messages}?Order=desc&PageSize=1")["messages"]
    assert deleted.status == 204
    assert not left or left[0]["index"] < newest["index"]
    assert api.get(row["url"])["last_read_message_index"] == newest["index"]
    assert api.ask("GET", newest["url"]).status == 404


def test_messages_come_in_the_order_that_was_asked(api: SimulatedApi) -> None:
    messages = f"{api.membership()['links']['conversation']}/Messages"

    up = [found["index"] for found in api.rows(f"{messages}?Order=asc&PageSize=3")]
    down = [found["index"] for found in api.rows(f"{messages}?Order=desc&PageSize=3")]

    assert up == sorted(up) == down[::-1]
    assert api.ask("GET", f"{messages}?Order=sideways").status == 400
