"""One page of the list of users: what one unusable value costs."""

import pytest

from readstate.errors import UnusableAnswer
from readstate.model.resources import User
from readstate.twilio.http.users_page import NO_SID, read_users
from tests.helpers.scripted_transport import answer, page

ANN = {"sid": "US1", "identity": "ann", "date_created": "2026-11-23T02:00:00Z"}
BOB = {"sid": "US2", "identity": "bob", "friendly_name": "Bob"}


def test_a_documented_page_is_read_as_it_is() -> None:
    found = read_users(page("users", [ANN, BOB]))

    assert [user.identity for user in found.users] == ["ann", "bob"]
    assert found.left_empty == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [("date_updated", "yesterday"), ("date_updated", 5), ("friendly_name", {"a": 1}), ("is_online", "no")],
)
def test_a_value_that_cannot_be_used_is_left_empty_and_the_others_stay(field: str, value: object) -> None:
    found = read_users(page("users", [ANN, BOB | {field: value}]))

    assert found.users == [read_users(page("users", [ANN])).users[0], User(**{**BOB, field: None})]
    assert found.left_empty.keys() == {field}
    assert found.left_empty[field].startswith("US2: ")


@pytest.mark.parametrize("user", [{"identity": "bob"}, {"sid": None, "identity": "bob"}, {"sid": 5, "identity": "bob"}])
def test_a_user_without_a_sid_is_kept_by_name(user: object) -> None:
    found = read_users(page("users", [ANN, user]))

    assert [(user.sid, user.identity) for user in found.users] == [("US1", "ann"), (NO_SID, "bob")]
    assert "sid" in found.left_empty


@pytest.mark.parametrize("user", [None, 5, []])
def test_what_is_no_user_does_not_spoil_the_page(user: object) -> None:
    assert [user.sid for user in read_users(page("users", [user, ANN])).users] == [NO_SID, "US1"]


def test_half_a_surrogate_is_repaired() -> None:
    body = rb'{"users": [{"sid": "US1", "friendly_name": "cut \ud83d"}], "meta": {}}'

    assert read_users(answer(body=body)).users == [User(sid="US1", friendly_name="cut \ufffd")]


@pytest.mark.parametrize("body", [b'{"users": null}', b"{}", b'{"users": ' + b"[" * 5_000])
def test_a_page_without_a_list_is_refused(body: bytes) -> None:
    with pytest.raises(UnusableAnswer):
        read_users(answer(body=body))
