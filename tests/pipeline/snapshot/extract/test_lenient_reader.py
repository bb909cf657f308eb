"""Pages that are not as documented: mended where the meaning is clear, refused in words where it is not."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import UnusableAnswer
from readstate.snapshot.extract.decode import decode
from tests.helpers.user_conversation_pages import SERVICE, page, row, sid, user_pages


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2015-07-30T20:00:00.123+02:00", datetime(2015, 7, 30, 18, 0, 0, 123_000, UTC)),
        ("2015-07-30T20:00:00", datetime(2015, 7, 30, 20, tzinfo=UTC)),
        ("2015-07-30", datetime(2015, 7, 30, tzinfo=UTC)),
        ("2015-07-30T20:00:00.1234567Z", datetime(2015, 7, 30, 20, 0, 0, 123_456, UTC)),
        ("20150730T200000Z", datetime(2015, 7, 30, 20, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates_are_read_in_any_iso_form(text: str, time: datetime) -> None:
    decoded = decode([user_pages(page([row(date_created=text)]))])

    assert decoded.table["date_created"].to_pylist() == [time]


def test_text_cut_in_the_middle_of_an_emoji_is_mended() -> None:
    body = page([row(1, friendly_name="x")]).replace(b'"x"', rb'"party \ud83c"')

    decoded = decode([user_pages(body)])

    assert decoded.table["friendly_name"].to_pylist() == ["party \ufffd"]


@pytest.mark.parametrize(
    "damage", [b"\xe9", b"\x80", b"\xc3(", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff"], ids=repr
)
def test_bytes_that_are_not_utf8_are_mended(damage: bytes) -> None:
    body = page([row(1, friendly_name="x")]).replace(b'"x"', b'"caf' + damage + b'!"')

    table = decode([user_pages(body)]).table

    assert set(table["friendly_name"][0].as_py()) <= set("caf!(\ufffd")
    table.validate(full=True)


def test_a_mark_of_byte_order_before_a_page_changes_nothing() -> None:
    fine, odd = page([row(1)]), page([row(2, unread_messages_count=3.0)])

    decoded = decode([user_pages(b"\xef\xbb\xbf" + fine, b"\xef\xbb\xbf" + odd)])

    assert decoded.table["unread_messages_count"].to_pylist() == [100, 3]


def test_a_row_without_owner_belongs_to_the_requested_user() -> None:
    decoded = decode([user_pages(page([row(user_sid=None, chat_service_sid=None)]))])

    (only,) = decoded.table.select(["chat_service_sid", "user_sid"]).to_pylist()
    assert only == {"chat_service_sid": SERVICE, "user_sid": sid("US", 1)}


def without(name: str) -> bytes:
    body = json.loads(page([row()]))
    del body[name]
    return json.dumps(body).encode()


UNUSABLE = {
    "an error body": b'{"code": 20404, "message": "not found", "status": 404}',
    "HTML": b"<html>Bad Gateway</html>",
    "nothing": b"",
    "a page cut short": page([row()])[:-20],
    "a page cut short that still nests": page([row()])[:-1],
    "two documents": page([row()]) * 2,
    "a list": b"[]",
    "nesting without end": b'{"conversations": ' + b"[" * 100_000,
    "no list": without("conversations"),
    "no meta": without("meta"),
    "a null list": page([]).replace(b"[]", b"null"),
    "an object for a list": page([]).replace(b"[]", b"{}"),
    "a null row": page([None]),
    "a number for a row": page([5]),
    "more rows than its page size": page([row(1), row(2), row(3)], page_size=2),
    "a row of another user": page([row(1), row(2, user=9)]),
    "a row of another service": page([row(service=sid("IS", 9))]),
    "a row without conversation": page([row(conversation_sid=None)]),
    "a count that is text": page([row(unread_messages_count="3")]),
    "a count that is true": page([row(unread_messages_count=True)]),
    "a count with a fraction": page([row(unread_messages_count=2.5)]),
    "a count beyond 32 bits": page([row(unread_messages_count=2**31)]),
    "an index beyond 64 bits": page([row(last_read_message_index=2**63)]),
    "an index that is no number": page([row(last_read_message_index=float("nan"))]),
    "a name that is a number": page([row(friendly_name=5)]),
    "attributes that are an object": page([row(attributes={})]),
    "timers that are a list": page([row(timers=[])]),
    "a date that is a word": page([row(date_updated="yesterday")]),
    "a date that is a number": page([row(date_updated=1438286400)]),
    "a date in the year 0": page([row(date_updated="0000-01-01T00:00:00Z")]),
    "a date before the year 1": page([row(date_updated="0001-01-01T00:00:00+02:00")]),
}


@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_answer_names_its_user(body: bytes) -> None:
    error = decode([user_pages(page([row()]), body)]).results[0]

    assert isinstance(error, UnusableAnswer)
    assert str(error).startswith(f"user {sid('US', 1)} of service {SERVICE}: ")
    assert len(str(error)) < 400


def test_repeated_name_in_an_object_means_its_last_value() -> None:
    body = page([row(1)]).replace(b'"attributes": "{}"', b'"attributes": "{}", "attributes": "[]"')

    decoded = decode([user_pages(body)])

    assert decoded.table["attributes"].to_pylist() == ["[]"]


def nested(depth: int, value: str) -> bytes:
    return page([row(1, deep="HERE")]).replace(b'"HERE"', value[:1].encode() * depth + value[1:].encode() * depth)


@pytest.mark.parametrize("depth", [10, 200])
def test_a_nested_unknown_field_costs_no_row(depth: int) -> None:
    decoded = decode([user_pages(nested(depth, "[]"))])

    assert decoded.results == [1]
    assert decoded.unknown_fields == {"deep": 1}


def test_an_unknown_field_nested_without_measure_fails_its_user_alone() -> None:
    given_users = [user_pages(nested(20_000, "[]")), user_pages(page([row(1, user=2)]), user=2)]

    decoded = decode(given_users)

    assert isinstance(decoded.results[0], UnusableAnswer)
    assert decoded.results[1] == 1


EDITS = st.tuples(st.integers(0, 2**16), st.sampled_from(["insert", "replace", "delete"]), st.binary(max_size=3))


@given(st.lists(EDITS | EDITS.map(lambda edit: (*edit[:2], b'"')), min_size=1, max_size=4))
def test_what_the_strict_reader_accepts_of_damaged_pages_the_lenient_one_reads_alike(
    edits: list[tuple[int, str, bytes]],
) -> None:
    body = page([row(), row(2, timers={}, attributes='{"a": "\\u00e9"}', friendly_name=None)])
    for place, kind, text in edits:
        at = place % (len(body) + 1)
        body = body[:at] + (b"" if kind == "delete" else text) + body[at + (kind != "insert") * max(1, len(text)) :]

    plain = decode([user_pages(body)])
    lenient = decode([user_pages(b"\xef\xbb\xbf" + body)])

    plain.table.validate(full=True)
    assert list(map(str, plain.results)) == list(map(str, lenient.results))
    assert plain.table.equals(lenient.table)
