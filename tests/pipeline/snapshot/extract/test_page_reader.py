"""The compiled reader gives what the exact one gives, or nothing at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from readstate.snapshot.extract import decode as batches
from readstate.snapshot.extract import page_reader
from readstate.snapshot.extract.lenient_reader import decode_page
from readstate.snapshot.extract.page_columns import Doubtful, PageColumns, PageOfUser
from readstate.snapshot.extract.page_reader import read_pages
from readstate.snapshot.published.schema import ROWS
from tests.helpers.exporting import Export, assert_same, world_rows
from tests.helpers.published import published_rows
from tests.helpers.user_conversation_pages import SERVICE, page, row, sid

pytestmark = pytest.mark.skipif(not page_reader.IS_COMPILED, reason="there was no compiler when this was installed")


@pytest.fixture
def compiled_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_reader, "by_pyarrow", lambda pages: (_ for _ in ()).throw(Doubtful))


def read(*bodies: bytes) -> PageColumns:
    return read_pages([PageOfUser(body, SERVICE, sid("US", 1)) for body in bodies])


def rows_of(found: PageColumns) -> list[dict[str, Any]]:
    return pa.table(dict(found.columns)).to_pylist()


def exact_rows(body: bytes) -> list[dict[str, Any]]:
    rows = decode_page(body, chat_service_sid=SERVICE, user_sid=sid("US", 1)).rows
    return [{name: each[name] for name in ROWS.names if name in each and name != "unread_capped"} for each in rows]


@pytest.mark.usefixtures("compiled_alone")
@pytest.mark.parametrize("separators", [None, (",", ":")])
def test_official_examples_need_nobody_else(separators: tuple[str, str] | None) -> None:
    no_timers = row(2, timers={}, unread_messages_count=None, last_read_message_index=None)
    bodies = [page([row(), no_timers], separators=separators), page([]), page([row(3)], page_size=1)]

    found = read(*bodies)

    assert found.rows_per_page == [2, 0, 1]
    assert found.page_of_row.to_pylist() == [0, 0, 2]
    assert rows_of(found) == [each for body in bodies for each in exact_rows(body)]
    assert all(found.columns[field.name].type == field.type for field in ROWS if field.name in found.columns)


@pytest.mark.usefixtures("compiled_alone")
def test_columns_are_valid_arrow() -> None:
    found = read(page([row(number, friendly_name=None if number % 3 else "é\n") for number in range(50)]))

    for column in found.columns.values():
        column.validate(full=True)


DOUBTFUL: dict[str, Callable[[], bytes]] = {
    "no JSON": lambda: b"<html>",
    "cut off": lambda: page([row()])[:-1],
    "more behind it": lambda: page([row()]) + b"{}",
    "no list": lambda: page([row()]).replace(b'"conversations": [', b'"conversations": {'),
    "no meta": lambda: json.dumps({"conversations": [row()]}).encode(),
    "more rows than its envelope allows": lambda: page([row(), row(2)], page_size=1),
    "an unknown field": lambda: page([row(pinned=True)]),
    "an unknown field in a field": lambda: page([row(timers={"date_frozen": None})]),
    "a field twice": lambda: page([row()]).replace(b'"url"', b'"account_sid"'),
    "a row that is null": lambda: page([None]),
    "a number for a text": lambda: page([row(friendly_name=1)]),
    "a text for a number": lambda: page([row(unread_messages_count="1")]),
    "a fraction": lambda: page([row(unread_messages_count=1.0)]),
    "a count beyond 32 bits": lambda: page([row(unread_messages_count=2**31)]),
    "an index beyond 64 bits": lambda: page([row(last_read_message_index=2**63)]),
    "a zero in front": lambda: page([row(unread_messages_count=77)]).replace(b"77", b"07"),
    "half a surrogate pair": lambda: page([row(friendly_name="\ud83d")]),
    "a raw control character": lambda: page([row()]).replace(b'friendly_name"', b'friendly\tname"'),
    "a day that no month has": lambda: page([row(date_created="2015-02-29T00:00:00Z")]),
    "an hour that no day has": lambda: page([row(date_created="2015-02-28T24:00:00Z")]),
    "a year zero": lambda: page([row(date_created="0000-02-28T00:00:00Z")]),
    "a row of another user": lambda: page([row(), row(2, user=2)]),
    "a row of nobody": lambda: page([row(), row(2, user_sid=None)]),
    "a row of another service": lambda: page([row(chat_service_sid="IS" + "9" * 32)]),
    "a row without a conversation": lambda: page([row(conversation_sid=None)]),
    "another zone": lambda: page([row(date_created="2015-02-28T00:00:00+01:00")]),
}


@pytest.mark.usefixtures("compiled_alone")
@pytest.mark.parametrize("what", DOUBTFUL)
def test_what_is_not_as_expected_is_left_to_others(what: str) -> None:
    with pytest.raises(Doubtful):
        read(page([row()]), DOUBTFUL[what]())


@pytest.mark.usefixtures("compiled_alone")
@pytest.mark.parametrize(
    "date", ["0001-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"]
)
def test_times_are_those_of_the_calendar(date: str) -> None:
    body = page([row(date_created=date)])

    assert rows_of(read(body)) == exact_rows(body)


@pytest.mark.usefixtures("compiled_alone")
@pytest.mark.parametrize("text", ['"\\/\b\f\n\r\t', "é", "漢", "😀 and more", "\x7f\x80", "", "\x00"])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_texts_are_what_json_says(text: str, ensure_ascii: bool) -> None:
    body = page([row(attributes=text)], ensure_ascii=ensure_ascii)

    assert rows_of(read(body))[0]["attributes"] == text


NOT_UTF8 = [
    b"\x80", b"\xc1\xbf", b"\xc3", b"\xc3(", b"\xe0\x9f\xbf", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_UTF8)
@pytest.mark.parametrize("is_compiled", [True, False])
def test_bytes_that_are_no_text_are_refused(text: bytes, is_compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    body = page([row(friendly_name="in the midst of it")]).replace(b"midst", b"mid" + text + b"st")
    monkeypatch.setattr(page_reader, "IS_COMPILED", is_compiled)

    with pytest.raises(UnicodeDecodeError):
        read(body)


@pytest.mark.usefixtures("compiled_alone")
@pytest.mark.parametrize("text", NOT_UTF8)
def test_the_compiled_reader_sees_what_is_no_text(text: bytes) -> None:
    with pytest.raises(Doubtful):
        read(page([row(friendly_name="in the midst of it")]).replace(b"midst", b"mid" + text + b"st"))


@pytest.mark.usefixtures("compiled_alone")
@given(st.text(min_size=1))
def test_every_text_is_read(text: str) -> None:
    body = page([row(friendly_name=text.encode("utf-8", "replace").decode())], ensure_ascii=False)

    assert rows_of(read(body)) == exact_rows(body)


@pytest.mark.usefixtures("compiled_alone")
async def test_every_page_of_the_simulator_is_as_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "decode_page", None)
    with running(World(WorldShape(users=60, services=2, conversations_per_user=8, odd_identities=0.5))) as twilio:
        manifest = await Export(twilio, tmp_path).run()

        assert manifest.complete
        assert_same(published_rows(tmp_path / "root"), world_rows(twilio))


EDITS = st.tuples(st.integers(0, 2**16), st.sampled_from(["insert", "replace", "delete"]), st.binary(max_size=3))


@settings(max_examples=400)
@given(st.lists(EDITS | EDITS.map(lambda edit: (*edit[:2], b'"')), min_size=1, max_size=4))
@example([(0, "delete", b"")])
def test_damaged_pages_are_read_as_the_exact_reader_does_or_not_at_all(edits: list[tuple[int, str, bytes]]) -> None:
    body = page([row(), row(2, timers={}, attributes='{"a": "\\u00e9"}', friendly_name=None)])
    for place, kind, text in edits:
        at = place % (len(body) + 1)
        body = body[:at] + (b"" if kind == "delete" else text) + body[at + (kind != "insert") * max(1, len(text)) :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_reader, "by_pyarrow", lambda pages: (_ for _ in ()).throw(Doubtful))
        try:
            found = read(body)
        except (Doubtful, UnicodeDecodeError):
            return

    for column in found.columns.values():
        column.validate(full=True)
    assert rows_of(found) == exact_rows(body)
