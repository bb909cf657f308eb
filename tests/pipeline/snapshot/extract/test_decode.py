"""Pages become rows: fast where they are as expected, exactly where they are not, and never silently fewer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readstate.errors import UnusableAnswer
from readstate.snapshot.extract import decode as batches
from readstate.snapshot.extract.decode import Decoded, UserPages, decode
from readstate.snapshot.extract.lenient_reader import decode_page
from readstate.snapshot.published.parquet import null_columns
from readstate.snapshot.published.schema import PII_COLUMNS, ROWS
from tests.helpers.user_conversation_pages import (
    SERVICE,
    SNAPSHOT_AT,
    page,
    read_slowly,
    row,
    sid,
    user_pages,
)

TEXT = st.text(max_size=12)
TIMES = st.builds(
    lambda time, offset, digits: (
        time.replace(tzinfo=timezone(timedelta(minutes=offset))).isoformat(timespec=digits).replace("+00:00", "Z")
    ),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001 - hypothesis wants bounds without a zone
    st.sampled_from([0, 0, 0, 120, -570]),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
INTEGERS_32 = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([0, 999, 1000, 1001])
INTEGERS_64 = st.integers(-(2**63), 2**63 - 1)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "account_sid": TEXT,
    "unread_messages_count": INTEGERS_32,
    "last_read_message_index": INTEGERS_64,
    "participant_sid": TEXT,
    "friendly_name": TEXT,
    "conversation_state": st.sampled_from(["active", "inactive", "closed", "hibernating"]),
    "timers": st.dictionaries(st.sampled_from(["date_inactive", "date_closed"]), st.none() | TIMES),
    "attributes": TEXT,
    "date_created": TIMES,
    "date_updated": TIMES,
    "created_by": TEXT,
    "notification_level": st.sampled_from(["default", "muted"]),
    "unique_name": TEXT,
    "url": TEXT,
    "links": st.dictionaries(st.sampled_from(["participant", "conversation"]), st.none() | TEXT),
}
VALUES = st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in FIELDS.items()})
UNKNOWN = st.fixed_dictionaries({}, optional={"pinned": st.none() | st.booleans(), "thème": st.none() | INTEGERS_64})
LAYOUTS = st.fixed_dictionaries({"indent": st.sampled_from([None, 2]), "ensure_ascii": st.booleans()})


@st.composite
def users(draw: st.DrawFn) -> list[UserPages]:
    """A few users of one or two services with a few pages each, in any layout."""
    found = []
    for number in range(draw(st.integers(0, 3))):
        service = sid("IS", draw(st.integers(1, 2)))
        bodies = []
        for _ in range(draw(st.integers(1, 3))):
            rows = draw(st.lists(st.builds(dict.__or__, VALUES, UNKNOWN), max_size=3))
            keys = {"user_sid": sid("US", number), "chat_service_sid": service}
            keyed = [each | keys | {"conversation_sid": draw(TEXT)} for each in rows]
            bodies.append(page(keyed, **draw(LAYOUTS)))
        found.append(user_pages(*bodies, user=number, service=service, identity=draw(st.none() | TEXT)))
    return found


def same_as_oracle(decoded: Decoded, given_users: Sequence[UserPages]) -> bool:
    table, rows_per_user, unknown = read_slowly(given_users)
    assert decoded.table.to_pylist() == table.to_pylist()
    assert decoded.table.schema.equals(ROWS, check_metadata=True)
    assert list(decoded.rows_per_user) == rows_per_user
    assert dict(decoded.unknown_fields) == unknown
    return True


@settings(max_examples=150)
@given(given_users=users())
def test_fast_path_alone_reads_any_expected_page_as_the_slow_twin_does(
    given_users: list[UserPages],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "decode_page", None)
        decoded = decode(given_users, snapshot_at=SNAPSHOT_AT)

    assert same_as_oracle(decoded, given_users)


@settings(max_examples=100)
@given(users())
def test_exact_path_alone_reads_any_expected_page_as_the_slow_twin_does(given_users: list[UserPages]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_decode_fast", lambda pages, snapshot_at: (_ for _ in ()).throw(batches.Doubtful))
        decoded = decode(given_users, snapshot_at=SNAPSHOT_AT)

    assert same_as_oracle(decoded, given_users)


def test_no_users_give_no_rows() -> None:
    decoded = decode([], snapshot_at=SNAPSHOT_AT)

    assert (len(decoded.table), decoded.rows_per_user) == (0, [])
    assert decoded.table.schema.equals(ROWS)


def test_every_field_of_the_official_example_has_its_column() -> None:
    decoded = decode([user_pages(page([row()]))], snapshot_at=SNAPSHOT_AT)

    (only,) = decoded.table.to_pylist()
    assert None not in only.values()
    assert only["timers_date_closed"] == datetime(2015, 12, 16, 22, 28, 38, tzinfo=UTC)
    assert only["links_conversation"] == row()["links"]["conversation"]
    assert decoded.unknown_fields == {}


def test_long_lists_are_read_in_portions_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_BYTES_AT_ONCE", 5_000)
    given_users = [
        user_pages(*(page([row(n * 10 + m, user=u) for m in range(3)]) for n in range(7)), user=u) for u in range(3)
    ]

    assert same_as_oracle(decode(given_users, snapshot_at=SNAPSHOT_AT), given_users)


@pytest.mark.parametrize(("unread", "capped"), [(None, None), (0, False), (999, False), (1000, True), (1001, True)])
def test_count_of_1000_means_1000_or_more(unread: int | None, capped: bool | None) -> None:
    decoded = decode([user_pages(page([row(unread_messages_count=unread)]))], snapshot_at=SNAPSHOT_AT)

    assert decoded.table["unread_capped"].to_pylist() == [capped]


def test_unknown_fields_are_counted_wherever_they_stand() -> None:
    body = json.loads(page([row(1, pinned=True), row(2, pinned=None), row(3)]))
    body["conversations"][2]["timers"]["date_archived"] = "2030-01-01T00:00:00Z"
    body["conversations"][2]["links"]["thread"] = None
    body["meta"]["total"] = 3
    body["trace"] = "x"
    given_users = [user_pages(json.dumps(body).encode())]
    expected = {"pinned": 1, "timers.date_archived": 1, "links.thread": 0, "meta.total": 1, "envelope.trace": 1}

    fast = decode(given_users, snapshot_at=SNAPSHOT_AT)
    exact = decode_page(given_users[0].pages[0], chat_service_sid=SERVICE, user_sid=sid("US", 1))

    assert fast.unknown_fields == expected
    assert exact.unknown_fields == expected


def test_unknown_field_of_changing_type_costs_no_row() -> None:
    given_users = [user_pages(page([row(1, mood="good"), row(2, mood=7), row(3, mood={"a": [1]})]))]

    decoded = decode(given_users, snapshot_at=SNAPSHOT_AT)

    assert same_as_oracle(decoded, given_users)
    assert decoded.unknown_fields == {"mood": 3}


def test_one_odd_page_sends_only_itself_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    slowly: list[str] = []
    monkeypatch.setattr(
        batches,
        "decode_page",
        lambda body, **owner: slowly.append(owner["user_sid"]) or decode_page(body, **owner),
    )
    given_users = [
        user_pages(page([row(1, user=1)]), user=1),
        user_pages(page([row(2, user=2, unread_messages_count=3.0)]), user=2),
        user_pages(page([row(3, user=3)]), user=3),
    ]

    decoded = decode(given_users, snapshot_at=SNAPSHOT_AT)

    assert slowly == [sid("US", 2)]
    assert decoded.table["unread_messages_count"].to_pylist() == [100, 3, 100]


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
    decoded = decode([user_pages(page([row(date_created=text)]))], snapshot_at=SNAPSHOT_AT)

    assert decoded.table["date_created"].to_pylist() == [time]


def test_text_cut_in_the_middle_of_an_emoji_is_mended() -> None:
    body = page([row(1, friendly_name="x")]).replace(b'"x"', rb'"party \ud83c"')

    decoded = decode([user_pages(body)], snapshot_at=SNAPSHOT_AT)

    assert decoded.table["friendly_name"].to_pylist() == ["party \ufffd"]


def test_bytes_that_are_no_utf8_are_mended() -> None:
    body = page([row(1, friendly_name="x")]).replace(b'"x"', b'"caf\xe9"')

    decoded = decode([user_pages(body)], snapshot_at=SNAPSHOT_AT)

    assert decoded.table["friendly_name"].to_pylist() == ["caf\ufffd"]
    decoded.table.validate(full=True)


def test_a_mark_of_byte_order_before_a_page_changes_nothing() -> None:
    fine, odd = page([row(1)]), page([row(2, unread_messages_count=3.0)])

    decoded = decode([user_pages(b"\xef\xbb\xbf" + fine, b"\xef\xbb\xbf" + odd)], snapshot_at=SNAPSHOT_AT)

    assert decoded.table["unread_messages_count"].to_pylist() == [100, 3]


def test_row_that_does_not_say_whose_it_is_belongs_to_the_user_that_was_asked_for() -> None:
    decoded = decode([user_pages(page([row(user_sid=None, chat_service_sid=None)]))], snapshot_at=SNAPSHOT_AT)

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
    given_users = [user_pages(page([row(user=2)]), user=2), user_pages(page([row()]), body)]

    with pytest.raises(UnusableAnswer, match=rf"user {sid('US', 1)} of service {SERVICE}: ") as caught:
        decode(given_users, snapshot_at=SNAPSHOT_AT)
    assert len(str(caught.value)) < 400


def test_page_may_hold_fewer_rows_than_its_size_and_may_not_tell_it() -> None:
    given_users = [user_pages(page([row(1)], page_size=50), page([row(2), row(3)], page_size=None))]

    assert decode(given_users, snapshot_at=SNAPSHOT_AT).rows_per_user == [3]


def test_repeated_name_in_an_object_means_its_last_value() -> None:
    body = page([row(1)]).replace(b'"attributes": "{}"', b'"attributes": "{}", "attributes": "[]"')

    decoded = decode([user_pages(body)], snapshot_at=SNAPSHOT_AT)

    assert decoded.table["attributes"].to_pylist() == ["[]"]


def test_blanked_columns_stay_and_hold_nothing() -> None:
    table = decode([user_pages(page([row(1), row(2)]))], snapshot_at=SNAPSHOT_AT).table

    blanked = null_columns(table, tuple(PII_COLUMNS))

    assert blanked.schema.equals(table.schema, check_metadata=True)
    assert {name for name in blanked.column_names if blanked[name].null_count == 2} == PII_COLUMNS
    assert null_columns(table, ["no_such_column"]).equals(table)
