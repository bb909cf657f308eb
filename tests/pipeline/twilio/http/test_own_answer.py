"""Which answers are believed to be about what was asked for."""

import json

import pytest

from readstate.errors import Unanswered
from readstate.twilio.http import request as requests
from readstate.twilio.http.own_answer import is_about, require_own
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.scripted_transport import answer

SERVICE, USER, OTHER, CONVERSATION = "IS" + "0" * 32, "US" + "a" * 32, "US" + "b" * 32, "CH" + "c" * 32
CONVERSATIONS = requests.list_user_conversations(SERVICE, USER)
FETCH = requests.fetch_user_conversation(SERVICE, USER, CONVERSATION)
UPDATE = requests.update_user_conversation(SERVICE, USER, CONVERSATION, last_read_message_index=1)
HOST = "https://conversations.twilio.com"


@pytest.mark.parametrize(
    ("request_", "address"),
    [
        (CONVERSATIONS, f"{HOST}/v1/Services/{SERVICE}/Users/{USER}/Conversations?PageSize=50&Page=0"),
        (CONVERSATIONS, f"http://127.0.0.1:8080/v1/Services/{SERVICE}/Users/{USER}/Conversations"),
        (CONVERSATIONS, f"{HOST}/v1/Users/{USER}/Conversations"),
        (CONVERSATIONS, f"/v1/Services/{SERVICE}/Users/{USER.replace('a', 'A')}/Conversations?PageToken={OTHER}"),
        (requests.list_user_conversations(None, "ann/b"), f"{HOST}/v1/Users/{USER}/Conversations"),
        (requests.list_user_conversations(None, "ann/b"), f"{HOST}/v1/Users/ann%2Fb/Conversations"),
        (requests.list_user_conversations(None, USER), f"{HOST}/v1/Services/{SERVICE}/Users/{USER}/Conversations"),
        (FETCH, f"{HOST}/v1/Users/{USER}/Conversations/{CONVERSATION}"),
        (requests.fetch_user(SERVICE, "Conversations"), f"{HOST}/v1/Users/{USER}"),
        (requests.fetch_configuration(), f"{HOST}/v1/Configuration"),
    ],
)
def test_the_same_resource_may_be_named_in_other_ways(request_: Request, address: str) -> None:
    assert is_about(request_, address)


@pytest.mark.parametrize(
    ("request_", "address"),
    [
        (CONVERSATIONS, f"{HOST}/v1/Services/{SERVICE}/Users/{OTHER}/Conversations?PageSize=50"),
        (CONVERSATIONS, f"{HOST}/v1/Services/IS{'1' * 32}/Users/{USER}/Conversations"),
        (CONVERSATIONS, f"{HOST}/v1/Services/{SERVICE}/Users?PageSize=50"),
        (requests.list_users(SERVICE), f"{HOST}/v1/Services/{SERVICE}/Users/{USER}/Conversations"),
        (FETCH, f"{HOST}/v1/Users/{USER}/Conversations/CH{'d' * 32}"),
        (UPDATE, f"{HOST}/v1/Users/{OTHER}/Conversations/{CONVERSATION}"),
    ],
)
def test_another_resource_is_told(request_: Request, address: str) -> None:
    assert not is_about(request_, address)


def page_at(url: object) -> Response:
    return answer(body={"conversations": [], "meta": {"page_size": 50, "url": url, "next_page_url": None}})


@pytest.mark.parametrize(
    ("request_", "foreign"),
    [
        (CONVERSATIONS, page_at(f"{HOST}/v1/Users/{OTHER}/Conversations?PageSize=50")),
        (CONVERSATIONS, answer(body=page_at(f"{HOST}/v1/Users/{OTHER}/Conversations").body.replace(b"/", rb"\/"))),
        (
            requests.list_users(SERVICE),
            answer(body={"meta": {"url": f"{HOST}/v1/Services/{SERVICE}/Users/{OTHER}/Conversations?PageSize=50"}}),
        ),
        (UPDATE, answer(body={"user_sid": OTHER, "url": f"{HOST}/v1/Users/{OTHER}/Conversations/{CONVERSATION}"})),
        (UPDATE, answer(404, {"message": f"The requested resource /v1/Users/{OTHER} was not found"})),
    ],
    ids=["page", "page with escaped slashes", "page of a longer path", "resource", "404"],
)
def test_an_answer_about_another_resource_is_no_answer(request_: Request, foreign: Response) -> None:
    with pytest.raises(Unanswered, match=f"{request_.method} .* about another resource: .*{OTHER}"):
        require_own(request_, foreign)


@pytest.mark.parametrize(
    "own",
    [
        page_at(f"{HOST}/v1/Users/{USER}/Conversations"),
        page_at(None),
        page_at(5),
        answer(body={"conversations": [{"url": f"{HOST}/v1/Users/{OTHER}/Conversations"}], "meta": {}}),
        answer(body=b"<html>"),
        answer(204, b""),
        answer(404, {"message": f"The requested resource /v1/Users/{USER}/Conversations was not found"}),
        answer(404, {"message": f"User {OTHER} not found"}),
        answer(404, b"[" * 5_000),
        answer(500, b"<html>"),
    ],
)
def test_an_answer_that_does_not_name_another_resource_stays(own: Response) -> None:
    require_own(CONVERSATIONS, own)


def test_a_text_of_a_row_does_not_pass_for_an_address() -> None:
    attributes = json.dumps({"url": f"{HOST}/v1/Users/{OTHER}/Conversations/{CONVERSATION}"})

    require_own(FETCH, answer(body={"user_sid": USER, "attributes": attributes}))
