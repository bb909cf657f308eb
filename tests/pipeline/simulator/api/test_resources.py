"""Users, conversations, participants, messages, services and configuration."""

import re
from itertools import pairwise

import pytest

from readstate.simulator.api.credentials import Credentials
from readstate.simulator.api.paging import PageToken
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import AUTHORIZATION, SimulatedApi


@pytest.fixture
def desk() -> SimulatedApi:
    return SimulatedApi()


@pytest.mark.parametrize("size", [1, 7, 50])
def test_pages_hold_every_row_once_and_lead_back_again(desk: SimulatedApi, size: int) -> None:
    paths = [
        "/v1/Services",
        "/v1/Users",
        "/v1/Conversations",
        f"/v1/Users/{desk.user_with(60)}/Conversations",
        f"{desk.membership()['links']['conversation']}/Messages",
        f"{desk.membership()['links']['conversation']}/Messages?Order=desc",
        f"{desk.membership()['links']['conversation']}/Participants",
    ]
    for path in paths:
        pages = desk.pages(f"{path}{'&' if '?' in path else '?'}PageSize={size}")
        key = pages[0]["meta"]["key"]

        rows = [row.get("conversation_sid", "") + row.get("sid", "") for page in pages for row in page[key]]
        assert len(set(rows)) == len(rows)
        assert all(len(page[key]) == size for page in pages[:-1])
        assert [page["meta"]["page"] for page in pages] == list(range(len(pages)))
        assert all(desk.get(page["meta"]["url"]) == page for page in pages)
        assert all(page["meta"]["first_page_url"] == pages[0]["meta"]["url"] for page in pages)
        for earlier, page in pairwise(pages):
            assert desk.get(page["meta"]["previous_page_url"])[key] == earlier[key]
        assert pages[0]["meta"]["previous_page_url"] is None


def test_a_full_page_at_the_very_end_has_no_next() -> None:
    big = SimulatedApi(WorldShape(users=2_000))

    fifty = big.pages(f"/v1/Users/{big.user_with(50)}/Conversations")
    fifty_one = big.pages(f"/v1/Users/{big.user_with(51)}/Conversations")
    nobody = big.pages(f"/v1/Users/{big.user_with(0)}/Conversations")

    assert [len(page["conversations"]) for page in fifty] == [50]
    assert [len(page["conversations"]) for page in fifty_one] == [50, 1]
    assert [len(page["conversations"]) for page in nobody] == [0]


def test_links_to_pages_look_like_twilios(desk: SimulatedApi) -> None:
    meta = desk.get("/v1/Users?PageSize=2")["meta"]

    assert list(meta) == [
        "page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key",
    ]  # fmt: skip
    assert re.fullmatch(
        r"http://127\.0\.0\.1/v1/Users\?PageSize=2&PageToken=PTeyJvcm[\w-]+&Page=1", meta["next_page_url"]
    )


def test_there_is_nothing_before_the_beginning(desk: SimulatedApi) -> None:
    first = min(user.sid for user in desk.service.users())

    page = desk.get(f"/v1/Users?PageToken={PageToken(first, backwards=True).write()}&Page=1")

    assert page["users"] == []
    assert page["meta"]["previous_page_url"] is None


@pytest.mark.parametrize("token", ["", "PT", "PTx", "nonsense", "PTe30", "PT" + "e" * 9, "PBeyJvcmRlciI6ImFzYyJ9", "é"])
def test_a_token_that_nobody_issued_is_refused(desk: SimulatedApi, token: str) -> None:
    assert desk.ask("GET", f"/v1/Users?PageToken={token}").code == 21481


def test_a_token_of_another_list_is_refused_where_it_makes_no_sense(desk: SimulatedApi) -> None:
    messages = f"{desk.membership()['links']['conversation']}/Messages"

    assert desk.ask("GET", f"{messages}?PageToken={PageToken('USx').write()}").code == 21481


@pytest.mark.parametrize("query", ["PageSize=0", "PageSize=-1", "PageSize=many", "Page=-1", "Page=x"])
def test_a_page_that_cannot_be_is_refused(desk: SimulatedApi, query: str) -> None:
    assert desk.ask("GET", f"/v1/Users?{query}").status == 400


def test_a_token_stays_good_when_rows_before_and_behind_it_go(desk: SimulatedApi) -> None:
    user = desk.user_with(60)
    first = desk.get(f"/v1/Users/{user}/Conversations?PageSize=20")
    rest = desk.rows(first["meta"]["next_page_url"])
    for row in [*first["conversations"][-3:], *rest[:2]]:
        desk.ask("DELETE", row["url"])

    after = desk.rows(first["meta"]["next_page_url"])

    assert after == rest[2:]


def test_services_and_configuration_name_the_default_service(desk: SimulatedApi) -> None:
    services = desk.rows("/v1/Services")
    configuration = desk.get("/v1/Configuration")

    assert {service["sid"] for service in services} == {service.sid for service in desk.world.services}
    assert configuration["default_chat_service_sid"] == desk.service.sid
    assert desk.get(services[0]["url"]) == services[0]


def test_users_are_made_changed_and_deleted_with_their_memberships(desk: SimulatedApi) -> None:
    row = desk.membership()
    made = desk.ask("POST", "/v1/Users", Identity="anna/b", FriendlyName="Anna")
    desk.ask("POST", f"{row['links']['conversation']}/Participants", Identity="anna/b")
    listed = desk.rows(f"/v1/Users/{made.body['sid']}/Conversations")
    changed = desk.ask("POST", f"/v1/Users/{made.body['sid']}", FriendlyName="Anne")
    everybody = [user["sid"] for user in desk.rows("/v1/Users?PageSize=9")]
    before = desk.get(f"/v1/Users?PageSize=50&PageToken={PageToken(made.body['sid'], backwards=True).write()}&Page=1")

    deleted = desk.ask("DELETE", "/v1/Users/anna%2Fb")

    assert made.status == 201
    assert [found["conversation_sid"] for found in listed] == [row["conversation_sid"]]
    assert (changed.body["friendly_name"], changed.body["identity"]) == ("Anne", "anna/b")
    assert made.body["sid"] in everybody
    assert everybody == sorted(everybody)
    assert [user["sid"] for user in before["users"]] == [sid for sid in everybody if sid < made.body["sid"]]
    assert deleted.status == 204
    assert desk.ask("GET", f"/v1/Users/{made.body['sid']}").status == 404
    assert desk.ask("GET", "/v1/Users/anna%2Fb").status == 404
    assert "anna/b" not in {found["identity"] for found in desk.rows(f"{row['links']['conversation']}/Participants")}


@pytest.mark.parametrize(
    ("identity", "code"), [("", 20001), ("x" * 257, 50207), ("US" + "a" * 32, 50206), ("user-0", 50201)]
)
def test_a_user_that_cannot_be_is_refused(desk: SimulatedApi, identity: str, code: int) -> None:
    assert desk.ask("POST", "/v1/Users", Identity=identity).code == code


def test_conversations_are_made_changed_closed_and_deleted(desk: SimulatedApi) -> None:
    made = desk.ask("POST", "/v1/Conversations", UniqueName="order/1x", FriendlyName="One")
    path = f"/v1/Conversations/{made.body['sid']}"
    desk.ask("POST", f"{path}/Participants", Identity="user-0")
    renamed = desk.ask("POST", path, UniqueName="order/2x")
    closed = desk.ask("POST", "/v1/Conversations/order%2F2x", State="closed")
    all_of_them = [found["sid"] for found in desk.rows("/v1/Conversations")]
    listed = desk.rows("/v1/Users/user-0/Conversations")

    deleted = desk.ask("DELETE", path)

    assert (made.status, made.body["state"]) == (201, "active")
    assert renamed.body["unique_name"] == "order/2x"
    assert closed.body["state"] == "closed"
    assert made.body["sid"] in all_of_them
    assert made.body["sid"] in {found["conversation_sid"] for found in listed}
    assert deleted.status == 204
    assert desk.ask("GET", path).status == 404
    assert desk.rows("/v1/Users/user-0/Conversations") == [
        row for row in listed if row["conversation_sid"] != made.body["sid"]
    ]


def test_what_is_closed_stays_closed(desk: SimulatedApi) -> None:
    closed = desk.membership(state="closed")["links"]["conversation"]

    assert desk.ask("POST", closed, State="active").code == 50377
    assert desk.ask("POST", f"{closed}/Messages", Body="?").code == 50377


def test_a_conversation_that_cannot_be_is_refused(desk: SimulatedApi) -> None:
    taken = next(found.unique_name for found in desk.service.conversations() if found.unique_name)
    active = desk.membership()["links"]["conversation"]

    assert desk.ask("POST", "/v1/Conversations", UniqueName="CH" + "a" * 32).code == 50390
    assert desk.ask("POST", "/v1/Conversations", UniqueName=taken).code == 50353
    assert desk.ask("POST", active, State="sleepy").status == 400


def test_an_old_unique_name_is_free_again(desk: SimulatedApi) -> None:
    named = next(found for found in desk.service.conversations() if found.unique_name and found.state == "active")
    desk.ask("POST", f"/v1/Conversations/{named.sid}", UniqueName="another")

    assert desk.service.find_conversation(named.unique_name or "") is None
    assert desk.ask("POST", "/v1/Conversations", UniqueName=named.unique_name or "").status == 201


def test_conversations_can_be_listed_by_state(desk: SimulatedApi) -> None:
    closed = desk.rows("/v1/Conversations?State=closed&PageSize=5")

    assert closed
    assert {found["state"] for found in closed} == {"closed"}


def test_participants_are_added_with_a_user_when_there_is_none(desk: SimulatedApi) -> None:
    conversation = desk.membership()["links"]["conversation"]

    added = desk.ask("POST", f"{conversation}/Participants", Identity="somebody new", Attributes='{"a": 1}')

    assert added.status == 201
    assert added.body["attributes"] == '{"a": 1}'
    assert desk.get("/v1/Users/somebody%20new")["identity"] == "somebody new"
    assert desk.get(f"{conversation}/Participants/somebody%20new") == added.body
    assert desk.ask("POST", f"{conversation}/Participants").status == 400


def test_a_participant_takes_attributes_alone(desk: SimulatedApi) -> None:
    link = desk.membership()["links"]["participant"]

    changed = desk.ask("POST", link, Attributes='{"b": 2}')

    assert changed.body["attributes"] == '{"b": 2}'
    assert desk.ask("POST", link).code == 20161
    assert desk.ask("DELETE", link).status == 204
    assert desk.ask("DELETE", link).status == 404


def test_nobody_is_in_more_than_a_thousand_live_conversations() -> None:
    desk = SimulatedApi(WorldShape(users=2_000, heaviest=1_500))
    busy = next(user for user in desk.service.users() if len(desk.service.conversations_of(user.number)) == 1_500)
    conversation = next(
        found
        for found in desk.service.conversations()
        if busy.number not in {member.user for member in desk.service.participants(found)}
    )

    assert desk.ask("POST", f"/v1/Conversations/{conversation.sid}/Participants", Identity=busy.sid).code == 50214


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


@pytest.mark.parametrize("authorization", [b"", b"Basic !!!", b"Bearer nobody", AUTHORIZATION[:-2]])
def test_wrong_credentials_are_401(desk: SimulatedApi, authorization: bytes) -> None:
    reply = desk.ask("GET", "/v1/Users", authorization=authorization)

    assert (reply.status, reply.code, reply.body["message"]) == (401, 20003, "Authenticate")


def test_every_kind_of_credential_is_good_and_a_restricted_key_only_reads(desk: SimulatedApi) -> None:
    row = desk.membership()
    by_permission = {permission: header for header, permission in Credentials().permissions().items()}

    for header in Credentials().permissions():
        assert desk.ask("GET", "/v1/Users", authorization=header).status == 200
    refused = desk.ask("DELETE", row["url"], authorization=by_permission["read"])

    assert (refused.status, refused.code) == (403, 70051)
    assert desk.get(row["url"]) == row


def test_a_suspended_account_and_a_region_without_conversations_are_refused(desk: SimulatedApi) -> None:
    desk.faults(suspended=True)
    suspended = desk.ask("GET", "/v1/Users")
    desk.faults(region_disabled=True)
    elsewhere = desk.ask("GET", "/v1/Users")

    assert (suspended.status, suspended.code) == (401, 20003)
    assert (elsewhere.status, elsewhere.code) == (403, 50385)
