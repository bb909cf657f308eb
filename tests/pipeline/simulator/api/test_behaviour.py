"""Every unknown can be switched, and every switch does what it says."""

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from readstate.simulator.api.behaviour import Behaviour, ConversationList
from readstate.simulator.api.credentials import Credentials
from readstate.simulator.seed.world_shape import WorldShape
from readstate.twilio.http.request import segment
from tests.helpers.simulated_api import SimulatedApi

SHAPE = WorldShape(users=60, services=2, heaviest=60)


def test_an_oversized_page_is_clamped_or_rejected() -> None:
    assert SimulatedApi(SHAPE).get("/v1/Users?PageSize=1000")["meta"]["page_size"] == 50
    assert SimulatedApi(SHAPE, page_size_over_maximum="reject").ask("GET", "/v1/Users?PageSize=51").code == 20007


def test_a_page_without_a_token_is_rejected_or_the_first() -> None:
    lenient, counting = (SimulatedApi(SHAPE, page_without_token=choice) for choice in ("first_page", "by_number"))

    assert SimulatedApi(SHAPE).ask("GET", "/v1/Users?Page=1").code == 70002
    assert lenient.get("/v1/Users?Page=1") == lenient.get("/v1/Users")
    assert [counting.get(f"/v1/Users?PageSize=7&Page={number}")["users"] for number in range(3)] == [
        page["users"] for page in counting.pages("/v1/Users?PageSize=7")[:3]
    ]


@pytest.mark.parametrize(("switch", "text"), [("null_index", "null"), ("empty_index", "")])
def test_clearing_may_be_rejected(switch: str, text: str) -> None:
    api = SimulatedApi(SHAPE, **{switch: "reject"})

    assert api.ask("POST", api.membership()["url"], LastReadMessageIndex=text).code == 50421


def test_an_index_beyond_the_newest_may_be_rejected() -> None:
    api = SimulatedApi(SHAPE, index_beyond_newest="reject")
    row, empty = api.membership(), api.membership(messages=False)
    newest = api.get(f"{row['links']['conversation']}/Messages?Order=desc&PageSize=1")["messages"][0]["index"]

    assert api.ask("POST", row["url"], LastReadMessageIndex=str(newest)).status == 200
    assert api.ask("POST", row["url"], LastReadMessageIndex=str(newest + 1)).code == 50421
    assert api.ask("POST", empty["url"], LastReadMessageIndex="0").code == 50421


def test_a_negative_index_may_be_accepted() -> None:
    api = SimulatedApi(SHAPE, negative_index="accept")
    row = api.membership()
    everything = len(api.rows(f"{row['links']['conversation']}/Messages?PageSize=100"))

    assert api.ask("POST", row["url"], LastReadMessageIndex="-1").body["unread_messages_count"] == everything


def test_a_timestamp_alone_may_read_everything() -> None:
    api = SimulatedApi(SHAPE, timestamp_alone="reads_all")

    row = api.ask("POST", api.membership()["url"], LastReadTimestamp="2024-01-01T00:00:00Z").body

    assert row["unread_messages_count"] == 0


def test_an_index_alone_may_leave_the_timestamp() -> None:
    api = SimulatedApi(SHAPE, timestamp_with_index="unchanged")
    row = api.membership(horizon=True)
    before = api.get(row["links"]["participant"])["last_read_timestamp"]

    api.ask("POST", row["url"], LastReadMessageIndex="1")

    assert api.get(row["links"]["participant"])["last_read_timestamp"] == before


def test_a_closed_conversation_may_refuse_changes() -> None:
    strict, lenient = SimulatedApi(SHAPE, closed_conversation="reject"), SimulatedApi(SHAPE)
    row = strict.membership(state="closed")

    assert strict.ask("POST", row["url"], LastReadMessageIndex="0").code == 50377
    assert strict.ask("DELETE", row["url"]).code == 50377
    assert lenient.ask("POST", row["url"], LastReadMessageIndex="0").status == 200
    assert lenient.ask("DELETE", row["url"]).status == 204


def test_a_404_may_say_what_is_missing() -> None:
    api = SimulatedApi(SHAPE, not_found_code="specific")
    row = api.membership()
    somewhere_else = next(
        user.sid
        for user in api.service.users()
        if row["conversation_sid"] not in dict(api.service.conversations_of(user.number))
    )
    conversation, nowhere = row["links"]["conversation"], "CH" + "0" * 32

    assert api.ask("GET", "/v1/Users/nobody/Conversations").code == 50200
    assert api.ask("GET", f"/v1/Users/{row['user_sid']}/Conversations/{nowhere}").code == 50350
    assert api.ask("GET", f"/v1/Users/{somewhere_else}/Conversations/{row['conversation_sid']}").code == 50430
    assert api.ask("GET", f"{conversation}/Participants/nobody").code == 50432
    assert api.ask("GET", f"{conversation}/Messages/IMnothing").code == 50500
    assert api.ask("GET", "/v1/Services/IS" + "0" * 32).code == 50050


@pytest.mark.parametrize("code", [50063, 50074])
def test_changes_are_counted_by_conversation_or_by_service(code: int) -> None:
    by_conversation = SimulatedApi(SHAPE, actions_per_second=2, actions_code=code, actions_scope="conversation")
    by_service = SimulatedApi(SHAPE, actions_per_second=2)
    user = by_service.user_with(60)
    rows = by_service.rows(f"/v1/Users/{user}/Conversations")[:3]

    same = [by_conversation.ask("POST", rows[0]["url"], LastReadMessageIndex="0") for _ in range(3)]
    others = [by_conversation.ask("POST", row["url"], LastReadMessageIndex="0").status for row in rows[1:]]
    all_in_one = [by_service.ask("POST", row["url"], LastReadMessageIndex="0").status for row in rows]

    assert [reply.status for reply in same] == [200, 200, 429]
    assert same[2].code == code
    assert others == [200, 200]
    assert all_in_one == [200, 200, 429]
    assert by_service.ask("POST", f"{rows[0]['links']['conversation']}/Messages", Body="?").status == 429
    assert by_service.ask("POST", f"/v1/Services/{by_service.world.services[1].sid}/Users", Identity="x").status == 201


def test_there_may_be_no_limit_on_changes() -> None:
    api = SimulatedApi(SHAPE, actions_per_second=0)
    row = api.membership()

    assert {api.ask("POST", row["url"], LastReadMessageIndex="0").status for _ in range(100)} == {200}


def test_an_empty_update_may_be_accepted_and_changes_nothing() -> None:
    api = SimulatedApi(SHAPE, empty_update="accept")
    row = api.membership()

    reply = api.ask("POST", row["url"], last_read_message_index="1")

    assert (reply.status, reply.body) == (200, row)
    assert api.world.log.effects == []


def test_a_horizon_may_move_date_updated() -> None:
    api = SimulatedApi(SHAPE, now=1_700_000_000, horizon_moves_date_updated="yes")
    row = api.membership()

    api.ask("POST", row["url"], LastReadMessageIndex="0")

    assert row["date_updated"] != api.get(row["url"])["date_updated"] == "2023-11-14T22:13:20Z"


def test_own_messages_may_not_count() -> None:
    all_count, others_count = SimulatedApi(SHAPE), SimulatedApi(SHAPE, own_messages="not_counted")
    row = all_count.membership()
    identity = all_count.get(f"/v1/Users/{row['user_sid']}")["identity"]
    messages = all_count.rows(f"{row['links']['conversation']}/Messages?PageSize=100")
    own = [found for found in messages if found["author"] == identity and found["index"] > 0]

    everything = all_count.ask("POST", row["url"], LastReadMessageIndex="0").body["unread_messages_count"]
    of_others = others_count.ask("POST", row["url"], LastReadMessageIndex="0").body["unread_messages_count"]

    assert own
    assert of_others == everything - len(own)


def test_an_encoded_slash_may_split_the_path() -> None:
    api, split = SimulatedApi(WorldShape(users=200, odd_identities=1)), SimulatedApi(SHAPE, encoded_slash="separator")
    user = next(user for user in api.service.users() if user.identity.startswith("team/"))
    path = f"/v1/Users/{user.identity.replace('/', '%2F')}"

    assert api.get(path)["sid"] == user.sid
    assert split.ask("GET", path).status == 404


@pytest.mark.parametrize("lost", ["%23", "beyond ASCII"])
def test_encoded_characters_may_find_nobody(lost: str) -> None:
    api = SimulatedApi(WorldShape(users=200, odd_identities=1), lost_characters=(lost,))

    asked = {user.identity: api.ask("GET", f"/v1/Users/{segment(user.identity)}").status for user in api.service.users()
             if user.identity.startswith(("tag#", "müller", "team/"))}  # fmt: skip

    assert {name for name, status in asked.items() if status == 404} == {
        name for name in asked if ("#" in name if lost == "%23" else not name.isascii())
    }


def test_bearer_tokens_may_be_refused() -> None:
    bearer = f"Bearer {Credentials().bearer_token}".encode()

    assert SimulatedApi(SHAPE).ask("GET", "/v1/Users", authorization=bearer).status == 200
    assert SimulatedApi(SHAPE, bearer_token="refused").ask("GET", "/v1/Users", authorization=bearer).code == 20003


def test_a_second_delete_may_be_204() -> None:
    api = SimulatedApi(SHAPE, second_delete="no_content", closed_conversation="reject")
    row, closed = api.membership(), api.membership(state="closed")

    assert [api.ask("DELETE", row["url"]).status for _ in range(2)] == [204, 204]
    assert api.ask("DELETE", closed["url"]).status == 400


def test_unread_counts_may_lag() -> None:
    moment = 1_700_000_000.0
    api = SimulatedApi(SHAPE, unread_lag_seconds=5)
    api.world.now = lambda: moment
    row = api.membership(horizon=True)
    newest = api.get(f"{row['links']['conversation']}/Messages?Order=desc&PageSize=1")["messages"][0]["index"]
    api.ask("POST", row["url"], LastReadMessageIndex="0")
    moment += 10

    at_once = api.ask("POST", row["url"], LastReadMessageIndex=str(newest)).body
    moment += 6
    later = api.get(row["url"])

    assert at_once["last_read_message_index"] == newest
    assert at_once["unread_messages_count"] > 0
    assert later["unread_messages_count"] == 0


def test_defaults_are_the_first_choice_of_each_switch() -> None:
    for values in (Behaviour(), ConversationList()):
        hints: dict[str, Any] = get_type_hints(type(values))
        choices = {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}

        assert {name: getattr(values, name) for name in choices} == {
            name: first for name, (first, *_) in choices.items()
        }


@pytest.mark.parametrize(
    ("forbidden", "refused"),
    [
        ("user_conversations", {"GET /v1/Users/user-0/Conversations"}),
        ("users", {"GET /v1/Users", "POST /v1/Users"}),
        ("services", {"GET /v1/Services"}),
        ("configuration", {"GET /v1/Configuration"}),
        ("writes", {"POST /v1/Users"}),
    ],
)
def test_credentials_may_lack_permissions(forbidden: str, refused: set[str]) -> None:
    api = SimulatedApi(SHAPE, forbidden=(forbidden,))
    asked = [
        "GET /v1/Users", "GET /v1/Users/user-0/Conversations", "GET /v1/Services", "GET /v1/Configuration",
        "GET /v1/Conversations", "POST /v1/Users",
    ]  # fmt: skip

    replies = {line: api.ask(*line.split(), Identity="new") for line in asked}

    assert {line for line, reply in replies.items() if reply.status == 403} == refused
    assert {reply.code for reply in replies.values() if reply.status == 403} == {70051}


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("page_first", r"http://127\.0\.0\.1/v1/Users\?PageSize=2&Page=1&PageToken=PT\w+"),
        ("token_only", r"http://127\.0\.0\.1/v1/Users\?PageSize=2&PageToken=PT\w+"),
        ("relative", r"/v1/Users\?PageSize=2&PageToken=PT\w+&Page=1"),
    ],
)
def test_links_to_pages_may_look_different(form: str, pattern: str) -> None:
    api = SimulatedApi(SHAPE, next_page_url=form)

    assert re.fullmatch(pattern, api.get("/v1/Users?PageSize=2")["meta"]["next_page_url"])
    assert len(api.rows("/v1/Users?PageSize=7")) == len(list(api.service.users()))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("services", "/v1/Services"),
        ("users", "/v1/Users"),
        ("conversations", "/v1/Conversations"),
        ("user_conversations", "/v1/Users/user-0/Conversations"),
    ],
)
def test_each_list_has_its_largest_page(name: str, path: str) -> None:
    smaller = msgspec.structs.replace(getattr(Behaviour(), name), largest_page=20)
    api, strict = (
        SimulatedApi(SHAPE, **{name: smaller}),
        SimulatedApi(SHAPE, **{name: smaller}, page_size_over_maximum="reject"),
    )

    assert api.get(f"{path}?PageSize=1000")["meta"]["page_size"] == api.get(path)["meta"]["page_size"] == 20
    assert strict.ask("GET", f"{path}?PageSize=21").code == 20007
    assert strict.get(path)["meta"]["page_size"] == 20
