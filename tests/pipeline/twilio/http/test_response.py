"""Answers: what their status, headers and bodies of every shape mean."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import ApiError, NotFound, Refused, UnusableAnswer
from readstate.model.resources import UserConversation
from readstate.twilio.http.request import Request
from readstate.twilio.http.response import Response
from tests.helpers.scripted_transport import answer

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
REQUEST = Request("GET", "/v1/Users/US1")


def with_header(name: str, value: str) -> Response:
    return Response(429, {name: value}, b"")


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("3", 3.0),
            (" 3 ", 3.0),
            ("0.5", 0.5),
            ("-3", 0.0),
            ("Mon, 23 Nov 2026 02:00:09 GMT", 9.0),
            ("Mon, 23 Nov 2026 02:00:09 -0000", 9.0),
            ("Mon, 23 Nov 2026 03:00:09 +0100", 9.0),
            ("Mon, 23 Nov 2026 01:00:00 GMT", 0.0),
            ("soon", None),
            ("", None),
            ("nan", None),
            ("inf", None),
            ("Mon, 23 Nov 99999999999 01:00:00 GMT", None),
            (None, None),
        ],
    )
    def test_seconds_and_dates_are_understood_and_nonsense_is_no_answer(
        self, text: str | None, seconds: float | None
    ) -> None:
        response = answer(429) if text is None else with_header("retry-after", text)

        assert response.retry_after_seconds(NOW) == seconds

    @given(st.text() | st.from_regex(r"\d{1,2} \w{3} \d{1,12} \d\d:\d\d:\d\d [+-]\d{4}", fullmatch=True))
    def test_no_text_breaks_it(self, text: str) -> None:
        seconds = with_header("retry-after", text).retry_after_seconds(NOW)
        time = with_header("date", text).server_time

        assert seconds is None or 0 <= seconds < float("inf")
        assert time is None or time.tzinfo is not None


def test_the_servers_time_is_its_date_header() -> None:
    assert with_header("date", "Mon, 23 Nov 2026 02:00:00 GMT").server_time == NOW
    assert answer().server_time is None


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (302, False)])
def test_only_two_hundreds_are_successes(status: int, ok: bool) -> None:
    assert answer(status).ok is ok


def test_a_refusal_has_a_code_where_its_body_does_and_a_success_has_none() -> None:
    assert answer(429, {"code": 20429}).code == 20429
    assert answer(429, b"<html>").code is None
    assert answer(200, {"code": 1}).code is None


class TestJson:
    def test_a_body_becomes_the_type_that_is_asked_for(self) -> None:
        row = answer(body={"user_sid": "US1", "timers": {}, "last_read_message_index": None}).json(UserConversation)

        assert (row.user_sid, row.last_read_message_index) == ("US1", None)

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"user_sid": 5}', b"\xff", b"[" * 5_000])
    def test_a_body_that_cannot_be_used_is_shown_with_its_request_id(self, body: bytes) -> None:
        with pytest.raises(UnusableAnswer, match=r"status 200 with a body that cannot be used.*request RQ0"):
            answer(body=body).json(UserConversation)

    @pytest.mark.parametrize("body", [rb'{"friendly_name": "a\ud83d"}', b'\xef\xbb\xbf{"friendly_name": "a\xff"}'])
    def test_text_that_is_not_unicode_is_repaired(self, body: bytes) -> None:
        assert answer(body=body).json(UserConversation).friendly_name == "a\ufffd"


class TestError:
    def error(self, status: int, body: object) -> ApiError:
        return answer(status, body).error(REQUEST)

    def test_the_classic_body(self) -> None:
        error = self.error(500, {"code": 20500, "message": "An internal server error has occurred", "status": 500})

        assert (error.status, error.code, error.detail) == (500, 20500, "An internal server error has occurred")
        assert str(error) == (
            "GET /v1/Users/US1 answered 500, code 20500: An internal server error has occurred, request RQ" + "0" * 32
        )

    @pytest.mark.parametrize(
        ("body", "code", "detail"),
        [
            ({"type": "about:blank", "title": "Invalid", "status": 400, "code": 20001}, 20001, "Invalid"),
            ({"title": "Invalid", "detail": "PageSize is odd", "code": "20001"}, 20001, "PageSize is odd"),
            ({"message": "Too many", "detail": {"a": 1}, "code": "E1"}, None, "Too many"),
            ({"detail": {"a": 1}, "title": "A title"}, None, "A title"),
            (b"<html>\n  <h1>502 Bad\tGateway</h1></html>", None, "502 Bad Gateway"),
            (b"", None, "no explanation"),
            (b"\xff\xfe", None, "\ufffd\ufffd"),
            (b"[1]", None, "[1]"),
            (rb'{"code": 1, "message": "cut \ud83d"}', 1, "cut \ufffd"),
            (b'{"code": 1, "detail": ' + b"[" * 300 + b"]" * 300 + b"}", None, '{"code": 1, "detail": ' + "[" * 178),
            (b'{"code": {"a": 1}}', None, '{"code": {"a": 1}}'),
        ],
    )
    def test_newer_bodies_and_a_gateways_page(self, body: object, code: int | None, detail: str) -> None:
        error = self.error(502, body)

        assert (error.code, error.detail) == (code, detail)

    def test_a_long_page_is_cut(self) -> None:
        assert len(self.error(502, b"x" * 100_000).detail) == 200

    @pytest.mark.parametrize(
        ("status", "kind"), [(401, Refused), (403, Refused), (404, NotFound), (400, ApiError), (302, ApiError)]
    )
    def test_what_to_do_next_is_named_by_the_kind(self, status: int, kind: type) -> None:
        assert type(self.error(status, {})) is kind

    @given(st.binary(max_size=300), st.integers(300, 599))
    def test_no_body_breaks_it(self, body: bytes, status: int) -> None:
        error = answer(status, body).error(REQUEST)

        assert error.status == status
        assert error.detail

    @given(st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
    def test_no_json_breaks_it(self, body: object) -> None:
        answer(500, msgspec.json.encode({"code": body, "message": body, "detail": body})).error(REQUEST)
