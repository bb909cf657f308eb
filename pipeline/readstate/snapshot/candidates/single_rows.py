"""UserConversations that were read one by one, as a table like all others."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from readstate.model.resources import UNREAD_CAP, Links, Timers, UserConversation
from readstate.snapshot.published.schema import ROWS


def to_table(rows: Iterable[tuple[UserConversation, str | None]], *, snapshot_at: datetime) -> pa.Table:
    """Give *rows*, each with the identity of its user where that is known, as a table with the schema `ROWS`."""
    return pa.Table.from_pylist([_columns(row, identity, snapshot_at) for row, identity in rows], schema=ROWS)


def _columns(row: UserConversation, identity: str | None, snapshot_at: datetime) -> dict[str, Any]:
    timers, links, count = row.timers or Timers(), row.links or Links(), row.unread_messages_count
    return {
        **msgspec.structs.asdict(row),
        "timers_date_inactive": timers.date_inactive,
        "timers_date_closed": timers.date_closed,
        "links_participant": links.participant,
        "links_conversation": links.conversation,
        "snapshot_at": snapshot_at,
        "identity": identity,
        "unread_capped": None if count is None else count >= UNREAD_CAP,
    }
