"""Tables of UserConversations, from keys alone."""

from collections.abc import Iterable

import pyarrow as pa

from readstate.snapshot.parts.derived_columns import PART_ROWS
from tests.helpers.user_conversation_pages import SNAPSHOT_AT

Key = tuple[str, str, str]


def table_of(
    keys: Iterable[Key], *, attributes: str = "{}", last_read: int | None = None, schema: pa.Schema = PART_ROWS
) -> pa.Table:
    """Return a row for each key; `last_read_message_index` counts them, unless *last_read* is given."""
    return pa.Table.from_pylist(
        [
            {
                "chat_service_sid": service,
                "user_sid": user,
                "conversation_sid": conversation,
                "last_read_message_index": number if last_read is None else last_read,
                "conversation_state": ("active", "closed", "inactive")[number % 3],
                "attributes": attributes,
                "snapshot_at": SNAPSHOT_AT,
            }
            for number, (service, user, conversation) in enumerate(keys)
        ],
        schema=schema,
    )


def keys_of(table: pa.Table) -> list[Key]:
    columns = (table[name].to_pylist() for name in ("chat_service_sid", "user_sid", "conversation_sid"))
    return list(zip(*columns, strict=True))
