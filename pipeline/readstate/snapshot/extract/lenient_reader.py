"""One page to rows, looking at every value: for pages that the strict reader refuses."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa

from readstate.errors import UnusableAnswer
from readstate.foreign_json import UnusableJson, repair_text, require_bounded
from readstate.snapshot.extract.page_types import NESTED, Meta, Page, Row
from readstate.snapshot.published.schema import ROWS
from readstate.snapshot.workspace.users import RosterUser

_HIGHEST = (1 << 63) - 1
_HIGHEST_COUNT = (1 << 31) - 1


class PageRows(NamedTuple):
    """The rows of one page."""

    rows: Sequence[Row]
    unknown_fields: Mapping[str, int]
    """Fields without a column, each with the rows that gave it a value other than null."""


class _Wrong(Exception):
    """What makes a page unusable, in words."""


def read_leniently(body: bytes, user: RosterUser) -> PageRows:
    """Read one page of the user's list into rows whose values fit the schema's columns.

    Bytes that are not UTF-8 and halves of surrogate pairs, as left by cutting a text in the middle of an emoji, become
    U+FFFD; a byte order mark is ignored. Raise `UnusableAnswer`, which names the user and the field.
    """
    try:
        return _page(_loaded(body), user)
    except _Wrong as error:
        raise UnusableAnswer(
            f"user {user.user_sid} of service {user.chat_service_sid}: a page of the conversations cannot be used: "
            f"{error}"
        ) from None


def _loaded(body: bytes) -> Any:
    try:
        require_bounded(body)
    except UnusableJson as error:
        raise _Wrong(str(error)) from None
    try:
        return json.loads(repair_text(body))
    except ValueError as error:
        raise _Wrong(f"no JSON: {error}") from None


def _page(envelope: Any, user: RosterUser) -> PageRows:
    if not isinstance(envelope, dict) or not isinstance(envelope.get("conversations"), list):
        raise _Wrong("it holds no list of conversations")
    meta = envelope.get("meta")
    if not isinstance(meta, dict):
        raise _Wrong("it holds no meta")
    found = envelope["conversations"]
    size = _index(meta.get("page_size"), "meta.page_size")
    if size is not None and len(found) > size:
        raise _Wrong(f"it holds {len(found)} rows, but says that it has at most {size}")
    unknown: Counter[str] = Counter()
    _count_unknown(unknown, envelope, Page.__struct_fields__, "envelope.")
    _count_unknown(unknown, meta, Meta.__struct_fields__, "meta.")
    return PageRows([_row(row, user, unknown) for row in found], unknown)


def _row(row: Any, user: RosterUser, unknown: Counter[str]) -> Row:
    if not isinstance(row, dict):
        raise _Wrong("one of its rows is no object")
    _count_unknown(unknown, row, Row.__struct_fields__, "")
    values = {name: _READERS[name](row.get(name), name) for name in Row.__struct_fields__ if name not in NESTED}
    for parent, kind in NESTED.items():
        inner = {} if row.get(parent) is None else row[parent]
        if not isinstance(inner, dict):
            raise _Wrong(f"{parent} is no object")
        _count_unknown(unknown, inner, kind.__struct_fields__, f"{parent}.")
        values[parent] = kind(
            *(_READERS[f"{parent}_{name}"](inner.get(name), f"{parent}.{name}") for name in kind.__struct_fields__)
        )
    _check_key(values, user)
    return Row(**values)


def _check_key(values: dict[str, Any], user: RosterUser) -> None:
    """Twilio documents every field as nullable: a row without an owner belongs to the user that was asked for."""
    for name, expected in (("chat_service_sid", user.chat_service_sid), ("user_sid", user.user_sid)):
        if values[name] is None:
            values[name] = expected
        if values[name] != expected:
            raise _Wrong(f"one of its rows has the {name} {values[name]}")
    if values["conversation_sid"] is None:
        raise _Wrong("one of its rows has no conversation_sid")


def _count_unknown(unknown: Counter[str], found: Mapping[str, Any], known: Iterable[str], prefix: str) -> None:
    for name in found.keys() - known:
        unknown[prefix + name] += found[name] is not None


def _string(value: Any, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Wrong(f"{name} is no string: {value!r:.40}")
    return value


def _integer(value: Any, highest: int, name: str) -> int | None:
    # JSON has one kind of number: 3.0 is the integer 3. In Python true is an integer too, and no count.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Wrong(f"{name} is no integer: {value!r:.40}")
    if not -highest - 1 <= value <= highest:
        raise _Wrong(f"{name} is too large")
    return value


def _count(value: Any, name: str) -> int | None:
    return _integer(value, _HIGHEST_COUNT, name)


def _index(value: Any, name: str) -> int | None:
    return _integer(value, _HIGHEST, name)


def _time(value: Any, name: str) -> str | None:
    """Return any ISO 8601 form as the one that Arrow reads; a time without a zone is UTC."""
    text = _string(value, name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Wrong(f"{name} is no date: {text!r:.40}") from None
    return time.isoformat()


def _reader(kind: pa.DataType) -> Callable[[Any, str], Any]:
    if pa.types.is_timestamp(kind):
        return _time
    return {pa.int32(): _count, pa.int64(): _index}.get(kind, _string)


_READERS = {field.name: _reader(field.type) for field in ROWS}
