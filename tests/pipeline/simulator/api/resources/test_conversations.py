import pytest

from tests.helpers.simulated_api import SimulatedApi


def test_conversations_are_made_changed_closed_and_deleted(api: SimulatedApi) -> None:
    made = api.ask("POST", "/v1/Conversations", UniqueName="order/1x", FriendlyName="One")
    path = f"/v1/Conversations/{made.body['sid']}"
    api.ask("POST", f"{path}/Participants", Identity="user-0")
    renamed = api.ask("POST", path, UniqueName="order/2x")
    closed = api.ask("POST", "/v1/Conversations/order%2F2x", State="closed")
    all_of_them = [found["sid"] for found in api.rows("/v1/Conversations")]
    listed = api.rows("/v1/Users/user-0/Conversations")

    deleted = api.ask("DELETE", path)

    assert (made.status, made.body["state"]) == (201, "active")
    assert renamed.body["unique_name"] == "order/2x"
    assert closed.body["state"] == "closed"
    assert made.body["sid"] in all_of_them
    assert made.body["sid"] in {found["conversation_sid"] for found in listed}
    assert deleted.status == 204
    assert api.ask("GET", path).status == 404
    assert api.rows("/v1/Users/user-0/Conversations") == [
        row for row in listed if row["conversation_sid"] != made.body["sid"]
    ]


def test_what_is_closed_stays_closed(api: SimulatedApi) -> None:
    closed = api.membership(state="closed")["links"]["conversation"]

    assert api.ask("POST", closed, State="active").code == 50377
    assert api.ask("POST", f"{closed}/Messages", Body="?").code == 50377


def test_a_conversation_that_cannot_be_is_refused(api: SimulatedApi) -> None:
    taken = next(found.unique_name for found in api.service.conversations() if found.unique_name)
    active = api.membership()["links"]["conversation"]

    assert api.ask("POST", "/v1/Conversations", UniqueName="CH" + "a" * 32).code == 50390
    assert api.ask("POST", "/v1/Conversations", UniqueName=taken).code == 50353
    assert api.ask("POST", active, State="sleepy").status == 400


def test_an_old_unique_name_is_free_again(api: SimulatedApi) -> None:
    named = next(found for found in api.service.conversations() if found.unique_name and found.state == "active")
    api.ask("POST", f"/v1/Conversations/{named.sid}", UniqueName="another")

    assert api.service.find_conversation(named.unique_name or "") is None
    assert api.ask("POST", "/v1/Conversations", UniqueName=named.unique_name or "").status == 201


def test_conversations_can_be_listed_by_state(api: SimulatedApi) -> None:
    closed = api.rows("/v1/Conversations?State=closed&PageSize=5")

    assert closed
    assert {found["state"] for found in closed} == {"closed"}


def test_conversations_can_be_listed_by_date_and_come_newest_first(api: SimulatedApi) -> None:
    everything = api.rows("/v1/Conversations")
    start, end = "2022-06-01T00:00:00Z", "2023-06-30T23:59:59Z"

    filtered = api.rows(f"/v1/Conversations?StartDate={start}&EndDate={end}&State=active&PageSize=5")

    wanted = [row for row in everything if start <= row["date_created"] <= end and row["state"] == "active"]
    assert len(wanted) > 5
    assert filtered == sorted(wanted, key=lambda row: (row["date_created"], row["sid"]), reverse=True)
    assert api.rows("/v1/Conversations?StartDate=2022-06-01&EndDate=2023-06-30&State=active") == filtered


def test_a_conversation_may_be_made_in_any_state_but_none_stays_initializing(api: SimulatedApi) -> None:
    made = api.ask("POST", "/v1/Conversations", State="inactive").body

    assert made["state"] == "inactive"
    assert made["sid"] in {row["sid"] for row in api.rows("/v1/Conversations?State=inactive")}
    assert api.rows("/v1/Conversations?State=initializing") == []
    assert api.ask("POST", "/v1/Conversations", State="sleepy").code == 20001


@pytest.mark.parametrize("query", ["StartDate=yesterday", "EndDate=", "State=sleepy", 'State="'])
def test_a_filter_that_cannot_be_is_refused(api: SimulatedApi, query: str) -> None:
    assert api.ask("GET", f"/v1/Conversations?{query}").code == 20001
