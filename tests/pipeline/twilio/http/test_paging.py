"""Page by page through a list: every page once, on our own origin, and never in circles."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import UnusableAnswer
from readstate.twilio.http import request as requests
from readstate.twilio.http.paging import (
    MAX_TOKEN_CHARACTERS,
    follow,
    next_page_url,
    smaller_page,
)
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.scripted_transport import answer

FIRST = requests.list_user_conversations(None, "US" + "a" * 32)
tokens = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["next_page_url", '"next_page_url":"x"', "meta", '"meta": {"next_page_url": "x"}}', '"}}'])
    | st.just({"meta": {"next_page_url": "x"}}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


def url(origin: str = "https://conversations.twilio.com", **query: str) -> str:
    return f"{origin}/v1/Users/US/Conversations?{urlencode(query)}"


class TestNextPageUrl:
    @given(
        next_url=st.none() | st.text() | st.just("https://x.example/é?PageToken=PT1"),
        rows=st.lists(json_values, max_size=2),
        meta_first=st.booleans(),
        ascii_only=st.booleans(),
        spaces=st.booleans(),
    )
    def test_it_finds_what_decoding_the_whole_body_would_find(
        self, next_url: str | None, rows: list[Any], meta_first: bool, ascii_only: bool, spaces: bool
    ) -> None:
        meta = {"meta": {"page": 0, "next_page_url": next_url}}
        envelope = {**meta, "conversations": rows} if meta_first else {"conversations": rows, **meta}
        separators = None if spaces else (",", ":")
        try:
            body = json.dumps(envelope, ensure_ascii=ascii_only, separators=separators).encode()
        except UnicodeEncodeError:  # a lone surrogate, which only the escaped form can hold
            body = json.dumps(envelope, separators=separators).encode()
        decoded = json.loads(body)["meta"]["next_page_url"]
        if decoded is not None and any("\ud800" <= character <= "\udfff" for character in decoded):
            return

        assert next_page_url(answer(body=body)) == decoded

    def test_an_escaped_slash_is_understood(self) -> None:
        body = rb'{"meta": {"next_page_url": "https:\/\/a.example\/?PageToken=1"}}'

        assert next_page_url(answer(body=body)) == "https://a.example/?PageToken=1"

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>",
            b"{}",
            b"[]",
            b"",
            b'{"meta": {}}',
            b'{"meta": null}',
            b'{"meta": {"page": 0}, "conversations": []}',
            b'{"meta": {"next_page_url": 5}}',
            b'{"conversations": [{"unique_name": "next_page_url"}]}',
        ],
    )
    def test_an_answer_that_does_not_say_is_not_taken_for_the_end(self, body: bytes) -> None:
        with pytest.raises(UnusableAnswer):
            next_page_url(Response(200, {}, body))


class TestFollow:
    @given(tokens, st.text(max_size=5))
    def test_any_token_comes_back_exactly_as_it_was_given(self, token: str, page: str) -> None:
        following = follow(FIRST, url(PageSize="50", PageToken=token, Page=page))

        assert dict(following.query)["PageToken"] == token
        assert dict(parse_qsl(following.target.partition("?")[2], keep_blank_values=True))["PageToken"] == token

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "http://conversations.twilio.com",
            "https://conversations.twilio.com:8443",
            "//evil.example",
            "https://conversations.twilio.com@evil.example",
            "http://[broken",
            "",
        ],
    )
    def test_the_token_of_a_foreign_address_is_used_on_our_own_path(self, origin: str) -> None:
        following = follow(FIRST, f"{origin}/v1/Users/US{'f' * 32}?PageToken=PT1")

        assert following.target == f"{FIRST.path}?PageToken=PT1&PageSize=50"

    def test_a_fragment_is_no_part_of_the_query(self) -> None:
        assert dict(follow(FIRST, url(PageToken="PT1") + "#PageToken=PT2").query)["PageToken"] == "PT1"

    @pytest.mark.parametrize(
        ("theirs", "size"),
        [("20", "20"), ("50", "50"), ("1000", "50"), ("0", "50"), ("-1", "50"), ("x", "50"), ("9" * 5000, "50")],
    )
    def test_a_smaller_page_size_of_the_server_is_believed_and_a_larger_one_is_not(
        self, theirs: str, size: str
    ) -> None:
        assert dict(follow(FIRST, url(PageToken="PT1", PageSize=theirs)).query)["PageSize"] == size

    def test_a_list_without_a_page_size_gets_none(self) -> None:
        bare = Request("GET", "/v1/Services")

        assert follow(bare, url(PageToken="PT1")).query == (("PageToken", "PT1"),)

    @pytest.mark.parametrize("query", ["", "PageSize=50&Page=1", "PageToken=", "pagetoken=PT1"])
    def test_an_address_without_a_token_is_refused(self, query: str) -> None:
        with pytest.raises(UnusableAnswer, match="no page token"):
            follow(FIRST, f"https://conversations.twilio.com/v1/Services?{query}")

    def test_a_token_that_is_too_long_is_refused(self) -> None:
        follow(FIRST, url(PageToken="x" * MAX_TOKEN_CHARACTERS))

        with pytest.raises(UnusableAnswer, match="page token is longer than 4096 characters"):
            follow(FIRST, url(PageToken="x" * (MAX_TOKEN_CHARACTERS + 1)))

    @given(st.text())
    def test_no_address_can_change_the_method_or_the_path(self, text: str) -> None:
        try:
            following = follow(FIRST, text)
        except UnusableAnswer:
            return

        assert (following.method, following.path) == (FIRST.method, FIRST.path)
        assert following.target.startswith(FIRST.path + "?")
        assert following.target.isascii()


class TestSmallerPage:
    def test_a_page_is_quartered_down_to_one_row(self) -> None:
        sizes, request = [], FIRST
        while (smaller := smaller_page(request)) is not None:
            request, size = smaller
            assert dict(request.query)["PageSize"] == str(size)
            sizes.append(size)

        assert sizes == [12, 3, 1]

    def test_it_keeps_its_place_in_the_list(self) -> None:
        smaller, _ = smaller_page(follow(FIRST, url(PageToken="PT1", PageSize="50"))) or (FIRST, 0)

        assert dict(smaller.query) == {"PageToken": "PT1", "PageSize": "12"}

    @pytest.mark.parametrize("request_", [Request("GET", "/v1/Services"), requests.newest_message(None, "CH1")])
    def test_what_asks_for_one_row_or_no_number_has_none(self, request_: Request) -> None:
        assert smaller_page(request_) is None
