"""The result of a user that could not be read: a reason that can be grouped, and all numbers that are known."""

import pytest

from readstate.errors import ApiError, BadInput, TransportError, Unanswered, UnusableAnswer
from readstate.snapshot.workspace.users import RosterUser, UserResult, failed_result, reason_to_group_by
from readstate.twilio.http.response import Response
from tests.helpers.fake_clock import FakeClock

SERVICE, USER, REQUEST = "IS" + "a" * 32, "US" + "b" * 32, "RQ" + "c" * 32
PATH = f"/v1/Services/{SERVICE}/Users/{USER}/Conversations"


def failed(error: ApiError | TransportError | BadInput) -> UserResult:
    return failed_result(RosterUser(1, SERVICE, USER, None), error, clock=FakeClock(), emit=lambda _event: None)


def unusable_body() -> UnusableAnswer:
    with pytest.raises(UnusableAnswer) as caught:
        Response(200, {"twilio-request-id": REQUEST}, b"<html>").json(dict)
    return caught.value


def test_a_refusal_keeps_its_status_code_and_request_beside_a_reason_without_them() -> None:
    refusal = ApiError(status=500, code=20500, message=f"{PATH} broke", request_id=REQUEST, method="GET", path=PATH)

    result = failed(refusal)

    assert result.reason == "answered 500, code 20500: /v1/Services/IS…/Users/US…/Conversations broke"
    assert (result.status, result.code, result.request_id) == (500, 20500, REQUEST)


def test_a_body_that_cannot_be_used_keeps_its_status_and_request() -> None:
    result = failed(unusable_body())

    assert (result.status, result.code, result.request_id) == (200, None, REQUEST)
    assert result.reason is not None
    assert result.reason.startswith("status 200 with a body that cannot be used")
    assert REQUEST not in result.reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (f"GET {PATH}: no complete response: reset", "no complete response: reset"),
        (f"user {USER} of service {SERVICE}: a page cannot be used", "user US… of service IS…: a page cannot be used"),
        ("Twilio's list of users holds a user without a SID", "Twilio's list of users holds a user without a SID"),
    ],
)
def test_two_users_with_the_same_trouble_have_the_same_reason(message: str, reason: str) -> None:
    assert failed(Unanswered(message)).reason == reason_to_group_by(message.replace(USER, "US" + "d" * 32)) == reason
