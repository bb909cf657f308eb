"""Columns that follow from others of their row: parts leave them out, and they are computed when rows are published."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from readstate.model.resources import UNREAD_CAP
from readstate.snapshot.published.schema import ROWS

PART_ROWS = pa.schema(
    [*(field for field in ROWS if field.name not in {"snapshot_at", "unread_capped"}), ("address_root", pa.string())]
)
"""`ROWS` as parts hold them. A row with an `address_root` has none of its three addresses: each is that root, followed
by names and SIDs, as Twilio's are. They are half of the bytes of a row."""


def with_derived_columns(table: pa.Table, snapshot_at: datetime) -> pa.Table:
    """Return rows of parts as those of a snapshot of that time, with the schema `ROWS`."""
    root, conversation_sid = table["address_root"], table["conversation_sid"]
    conversation = _joined(root, "/Conversations/", conversation_sid)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    addresses = {
        "url": _joined(root, "/Users/", table["user_sid"], "/Conversations/", conversation_sid),
        "links_participant": _joined(conversation, "/Participants/", table["participant_sid"]),
        "links_conversation": conversation,
    }
    if root.null_count:
        addresses = {name: pc.coalesce(address, table[name]) for name, address in addresses.items()}
    columns |= addresses
    columns["snapshot_at"] = pa.repeat(pa.scalar(snapshot_at, ROWS.field("snapshot_at").type), len(table))
    columns["unread_capped"] = pc.greater_equal(table["unread_messages_count"], UNREAD_CAP)
    return pa.table([columns[field.name] for field in ROWS], schema=ROWS)


def _joined(*pieces: pa.ChunkedArray | str) -> pa.ChunkedArray:
    """Return the pieces of each row as one text; null where one is null."""
    return pc.binary_join_element_wise(*pieces, "")
