"""One page to rows, looking at every value: for what the fast path does not vouch for."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from readstate.errors import UnusableAnswer
from readstate.model.resources import UNREAD_CAP
from readstate.snapshot.extract.page_schema import LINES, META

_HIGHEST = (1 << 63) - 1
_HIGHEST_COUNT = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class ExactPage:
    """The rows of one page, each a mapping from column to value, without `identity` and `snapshot_at`."""

    rows: Sequence[dict[str, Any]]
    unknown_fields: Mapping[str, int]


class _Wrong(Exception):
    """What makes a page unusable, in words."""


def decode_page(body: bytes, *, chat_service_sid: str, user_sid: str) -> ExactPage:
    """Read one page of the user's list.

    Bytes that are no UTF-8 and halves of surrogate pairs, as left by cutting a text in the middle of an emoji, become
    U+FFFD; a byte order mark is passed over. Raises `UnusableAnswer`, which names the user and the field.
    """
    try:
        return _page(_loaded(body), {"chat_service_sid": chat_service_sid, "user_sid": user_sid})
    except _Wrong as error:
        raise UnusableAnswer(
            f"user {user_sid} of service {chat_service_sid}: a page of the conversations cannot be used: {error}"
        ) from None


def _loaded(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError) as error:
        raise _Wrong(f"no JSON: {error}") from None


def _page(envelope: Any, owner: Mapping[str, str]) -> ExactPage:
    if not isinstance(envelope, dict) or not isinstance(envelope.get("conversations"), list):
        raise _Wrong("it holds no list of conversations")
    meta = envelope.get("meta")
    if not isinstance(meta, dict):
        raise _Wrong("it holds no meta")
    found = envelope["conversations"]
    size = _integer(meta.get("page_size"), _HIGHEST, "meta.page_size")
    if size is not None and len(found) > size:
        raise _Wrong(f"it holds {len(found)} rows, but says that it has at most {size}")
    unknown: Counter[str] = Counter()
    _note_unknown(unknown, envelope, LINES.names, "envelope.")
    _note_unknown(unknown, meta, [field.name for field in META], "meta.")
    return ExactPage([_row(row, owner, unknown) for row in found], unknown)


def _row(row: Any, owner: Mapping[str, str], unknown: Counter[str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise _Wrong("one of its rows is no object")
    _note_unknown(unknown, row, [*_FIELDS, *_NESTED], "")
    values = {name: read(row.get(name), name) for name, read in _FIELDS.items()}
    for parent, fields in _NESTED.items():
        inner = {} if row.get(parent) is None else row[parent]
        if not isinstance(inner, dict):
            raise _Wrong(f"{parent} is no object")
        _note_unknown(unknown, inner, fields, f"{parent}.")
        values |= {f"{parent}_{name}": read(inner.get(name), f"{parent}.{name}") for name, read in fields.items()}
    _settle_key(values, owner)
    count = values["unread_messages_count"]
    values["unread_capped"] = None if count is None else count >= UNREAD_CAP
    return values


def _settle_key(values: dict[str, Any], owner: Mapping[str, str]) -> None:
    """Twilio says of every field that it may be null: whose row it is, the question tells; which one, only the row."""
    for name, asked in owner.items():
        if values[name] is None:
            values[name] = asked
        if values[name] != asked:
            raise _Wrong(f"one of its rows has the {name} {values[name]}")
    if values["conversation_sid"] is None:
        raise _Wrong("one of its rows has no conversation_sid")


def _note_unknown(unknown: Counter[str], found: Mapping[str, Any], known: Any, prefix: str) -> None:
    for name in found:
        if name not in known:
            unknown[prefix + _repaired(name)] += found[name] is not None


def _string(value: Any, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Wrong(f"{name} is no string: {value!r:.40}")
    return _repaired(value)


def _repaired(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _integer(value: Any, highest: int, name: str) -> int | None:
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


def _time(value: Any, name: str) -> datetime | None:
    text = _string(value, name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Wrong(f"{name} is no date: {text!r:.40}") from None


_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "account_sid": _string,
    "chat_service_sid": _string,
    "conversation_sid": _string,
    "unread_messages_count": _count,
    "last_read_message_index": _index,
    "participant_sid": _string,
    "user_sid": _string,
    "friendly_name": _string,
    "conversation_state": _string,
    "attributes": _string,
    "date_created": _time,
    "date_updated": _time,
    "created_by": _string,
    "notification_level": _string,
    "unique_name": _string,
    "url": _string,
}
_NESTED: dict[str, dict[str, Callable[[Any, str], Any]]] = {
    "timers": {"date_inactive": _time, "date_closed": _time},
    "links": {"participant": _string, "conversation": _string},
}
