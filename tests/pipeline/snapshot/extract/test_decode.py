"""Pages of many users become one table: strictly read or leniently, and never silently fewer rows."""

import gc
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import UnusableAnswer
from readstate.snapshot.extract.decode import Decoded, decode
from readstate.snapshot.extract.fetch import FetchedUser
from readstate.snapshot.parts.derived_columns import with_derived_columns
from readstate.snapshot.published.schema import ROWS
from tests.helpers.user_conversation_pages import (
    SERVICE,
    SNAPSHOT_AT,
    page,
    read_slowly,
    row,
    sid,
    user_pages,
)

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""The strict reader refuses it, the lenient one ignores it."""
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
LINKS = row()["links"]
ADDRESSES = st.sampled_from(
    [
        {},
        {},
        {"url": None},
        {"url": row(2)["url"]},
        {"participant_sid": None},
        {"participant_sid": sid("MB", 2)},
        {
            "participant_sid": None,
            "links": row()["links"] | {"participant": row()["links"]["conversation"] + "/Participants/None"},
        },
        {"links": None},
        {"links": row(2)["links"]},
        {"links": LINKS | {"conversation": None}},
    ]
)
"""What a row of the conversation 1 has differently, so that its addresses follow from its SIDs or do not."""
VALUES = st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in FIELDS.items()})
UNKNOWN = st.fixed_dictionaries({}, optional={"pinned": st.none() | st.booleans(), "thème": st.none() | INTEGERS_64})
LAYOUTS = st.fixed_dictionaries({"indent": st.sampled_from([None, 2]), "ensure_ascii": st.booleans()})


@st.composite
def users(draw: st.DrawFn) -> list[FetchedUser]:
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


def same_as_oracle(decoded: Decoded, given_users: Sequence[FetchedUser]) -> bool:
    table, rows_per_user, unknown = read_slowly(given_users)
    published = with_derived_columns(decoded.table, SNAPSHOT_AT)
    assert published.to_pylist() == table.to_pylist()
    assert published.schema.equals(ROWS, check_metadata=True)
    assert list(decoded.results) == rows_per_user
    assert dict(decoded.unknown_fields) == unknown
    return True


@given(users())
def test_any_documented_page_is_read_as_the_oracle_reads_it(given_users: list[FetchedUser]) -> None:
    assert same_as_oracle(decode(given_users), given_users)


@given(users())
def test_the_lenient_reader_alone_gives_the_same(given_users: list[FetchedUser]) -> None:
    marked = [user._replace(pages=tuple(BYTE_ORDER_MARK + body for body in user.bodies())) for user in given_users]

    assert same_as_oracle(decode(marked), given_users)


@given(st.lists(st.tuples(st.sampled_from(["/v1", "/v1/Services/" + SERVICE, ""]), ADDRESSES), max_size=4))
def test_addresses_come_back_as_they_were_sent(pages: list[tuple[str, dict[str, Any]]]) -> None:
    given_users = [
        user_pages(page([row(), row() | changes, row()]).replace(b"/v1", root.encode()), user=1)
        for root, changes in pages
    ]

    assert same_as_oracle(decode(given_users), given_users)


def test_addresses_that_follow_from_sids_are_left_out() -> None:
    table = decode([user_pages(page([row(1), row(2)]))]).table

    assert table["address_root"].to_pylist() == ["https://conversations.twilio.com/v1"] * 2
    assert {table[name].null_count for name in ("url", "links_participant", "links_conversation")} == {2}


def test_every_field_of_the_official_example_has_its_column() -> None:
    decoded = decode([user_pages(page([row()]))])

    (only,) = with_derived_columns(decoded.table, SNAPSHOT_AT).to_pylist()
    assert None not in only.values()
    assert only["timers_date_closed"] == datetime(2015, 12, 16, 22, 28, 38, tzinfo=UTC)
    assert only["links_conversation"] == row()["links"]["conversation"]
    assert decoded.unknown_fields == {}


def test_long_lists_are_read_in_batches_and_keep_their_order() -> None:
    given_users = [
        user_pages(*(page([row(n * 10 + m, user=u) for m in range(3)]) for n in range(7)), user=u) for u in range(3)
    ]

    assert same_as_oracle(decode(given_users, batch_bytes=5_000), given_users)


@pytest.mark.parametrize("batch_bytes", [1, 5_000, 1 << 20])
def test_a_user_with_one_unusable_page_has_no_row_and_the_others_have_all_of_theirs(batch_bytes: int) -> None:
    broken = [page([row(number, user=2, lost=1) for number in range(3)]) for _ in range(4)]
    given_users = [
        user_pages(page([row(1, user=1)]), user=1),
        user_pages(*broken, b"<html>Bad Gateway</html>", *broken, user=2),
        user_pages(page([row(3, user=3, pinned=True), row(4, user=3)]), user=3),
    ]

    decoded = decode(given_users, batch_bytes=batch_bytes)

    assert decoded.table["conversation_sid"].to_pylist() == [sid("CH", 1), sid("CH", 3), sid("CH", 4)]
    assert (decoded.results[0], decoded.results[2]) == (1, 2)
    assert isinstance(decoded.results[1], UnusableAnswer)
    assert decoded.unknown_fields == {"pinned": 1}


def test_unknown_fields_are_counted_wherever_they_stand() -> None:
    body = json.loads(page([row(1, pinned=True), row(2, pinned=None), row(3)]))
    body["conversations"][2]["timers"]["date_archived"] = "2030-01-01T00:00:00Z"
    body["conversations"][2]["links"]["thread"] = None
    body["meta"]["total"] = 3
    body["trace"] = "x"
    given_users = [user_pages(json.dumps(body).encode())]
    expected = {"pinned": 1, "timers.date_archived": 1, "links.thread": 0, "meta.total": 1, "envelope.trace": 1}

    assert decode(given_users).unknown_fields == expected


def test_unknown_field_of_changing_type_costs_no_row() -> None:
    given_users = [user_pages(page([row(1, mood="good"), row(2, mood=7), row(3, mood={"a": [1]})]))]

    decoded = decode(given_users)

    assert same_as_oracle(decoded, given_users)
    assert decoded.unknown_fields == {"mood": 3}


def test_a_page_may_hold_fewer_rows_than_its_size_or_state_no_size() -> None:
    given_users = [user_pages(page([row(1)], page_size=50), page([row(2), row(3)], page_size=None))]

    assert decode(given_users).results == [3]


def test_an_unusable_page_is_released_with_its_batch() -> None:
    """Not by the garbage collector: the batch may be of many megabytes."""
    body = page([row(friendly_name=5)])
    before = sys.getrefcount(body)
    gc.disable()
    try:
        decoded = decode([user_pages(body)])
    finally:
        gc.enable()

    assert isinstance(decoded.results[0], UnusableAnswer)
    assert sys.getrefcount(body) == before
