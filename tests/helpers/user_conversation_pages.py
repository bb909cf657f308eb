"""Pages of UserConversations as Twilio sends them, and a slow, obvious reading of them: the oracle of the fast one."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from readstate.snapshot.extract.fetch import FetchedUser
from readstate.snapshot.published.schema import ROWS
from readstate.snapshot.workspace.users import RosterUser

SERVICE = "IS" + "1" * 32
SNAPSHOT_AT = datetime(2026, 11, 23, 2, tzinfo=UTC)


def sid(prefix: str, number: int) -> str:
    """Return a SID that sorts like *number*."""
    return f"{prefix}{number:032x}"


def row(
    conversation: int = 1, *, user: int = 1, participant: int = 1, service: str = SERVICE, **changes: Any
) -> dict[str, Any]:
    """Return one UserConversation like the official example, with *changes*."""
    conversation_sid, user_sid, participant_sid = sid("CH", conversation), sid("US", user), sid("MB", participant)
    base = "https://conversations.twilio.com/v1"
    return {
        "account_sid": "AC" + "a" * 32,
        "chat_service_sid": service,
        "conversation_sid": conversation_sid,
        "unread_messages_count": 100,
        "last_read_message_index": 100,
        "participant_sid": participant_sid,
        "user_sid": user_sid,
        "friendly_name": "friendly_name",
        "conversation_state": "inactive",
        "timers": {"date_inactive": "2015-12-16T22:19:38Z", "date_closed": "2015-12-16T22:28:38Z"},
        "attributes": "{}",
        "date_created": "2015-07-30T20:00:00Z",
        "date_updated": "2015-07-30T20:00:00Z",
        "created_by": "created_by",
        "notification_level": "default",
        "unique_name": "unique_name",
        "url": f"{base}/Users/{user_sid}/Conversations/{conversation_sid}",
        "links": {
            "participant": f"{base}/Conversations/{conversation_sid}/Participants/{participant_sid}",
            "conversation": f"{base}/Conversations/{conversation_sid}",
        },
    } | changes


def page(rows: Sequence[Any], *, page_size: int | None = 50, **json_options: Any) -> bytes:
    url = "https://conversations.twilio.com/v1/Users/US/Conversations?PageSize=50&Page=0"
    meta = {
        "page": 0,
        "page_size": page_size,
        "first_page_url": url,
        "previous_page_url": None,
        "url": url,
        "next_page_url": None,
        "key": "conversations",
    }
    return json.dumps({"conversations": list(rows), "meta": meta}, **json_options).encode()


def user_pages(*pages: bytes, user: int = 1, service: str = SERVICE, identity: str | None = "ada") -> FetchedUser:
    return FetchedUser(RosterUser(user, service, sid("US", user), identity), pages)


def read_slowly(users: Sequence[FetchedUser]) -> tuple[pa.Table, list[int], dict[str, int]]:
    """Return the table, the rows per user and the unknown fields of pages that hold nothing unusable."""
    rows: list[dict[str, Any]] = []
    rows_per_user = []
    unknown: Counter[str] = Counter()
    for user in users:
        found = [each for body in user.bodies() for each in json.loads(body)["conversations"]]
        rows_per_user.append(len(found))
        rows.extend(_flat(each, user, unknown) for each in found)
    return pa.Table.from_pylist(rows, schema=ROWS), rows_per_user, dict(unknown)


def _flat(found: dict[str, Any], user: FetchedUser, unknown: Counter[str]) -> dict[str, Any]:
    values = dict(found)
    for parent in ("timers", "links"):
        values |= {f"{parent}.{name}": value for name, value in (values.pop(parent, None) or {}).items()}
    for name in list(values):
        column = name.replace(".", "_")
        if column not in ROWS.names:
            unknown[name] += values.pop(name) is not None
        elif pa.types.is_timestamp(ROWS.field(column).type) and values[name] is not None:
            values[column] = datetime.fromisoformat(values[name]).astimezone(UTC)
        else:
            values[column] = values[name]
    unread = values.get("unread_messages_count")
    capped = None if unread is None else unread >= 1000
    return values | {"snapshot_at": SNAPSHOT_AT, "identity": user.user.identity, "unread_capped": capped}
