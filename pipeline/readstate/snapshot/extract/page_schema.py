"""The shape of one page of UserConversations, for pyarrow's JSON reader, and what a page holds beyond it."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from readstate.snapshot.published.schema import ROWS

NESTED = {"timers": ("date_inactive", "date_closed"), "links": ("participant", "conversation")}
"""Objects inside a row, and what the schema knows of them."""


def _row_fields() -> Iterator[pa.Field]:
    for name in ROWS.names[: ROWS.get_field_index("snapshot_at")]:
        parent, _, child = name.partition("_")
        if parent not in NESTED:
            yield ROWS.field(name)
        elif child == NESTED[parent][0]:
            yield pa.field(
                parent, pa.struct([ROWS.field(f"{parent}_{each}").with_name(each) for each in NESTED[parent]])
            )


ROW = pa.struct(list(_row_fields()))
"""One UserConversation as Twilio nests it."""

META = pa.struct(
    [
        ("page", pa.int64()),
        ("page_size", pa.int64()),
        ("first_page_url", pa.string()),
        ("previous_page_url", pa.string()),
        ("url", pa.string()),
        ("next_page_url", pa.string()),
        ("key", pa.string()),
    ]
)

LINES = pa.schema([("conversations", pa.list_(ROW)), ("meta", META)])
"""One page."""


def unknown_fields(lines: pa.Table, rows: pa.StructArray) -> dict[str, int]:
    """Count, for each field that the schema does not know, the values that are not null.

    Fields of a row go by their name, inner ones by `timers.name` and `links.name`, those around the list by
    `meta.name` and `envelope.name`.
    """
    counts = _beyond(ROW, rows, "")
    for name in NESTED:
        counts |= _beyond(ROW.field(name).type, rows.field(name), f"{name}.")
    counts |= _beyond(META, lines["meta"].combine_chunks(), "meta.")
    for name in lines.column_names:
        if name not in LINES.names:
            counts[f"envelope.{name}"] = lines[name].length() - lines[name].null_count
    return counts


def _beyond(known: pa.StructType, found: pa.StructArray, prefix: str) -> dict[str, int]:
    extra = [field.name for field in found.type if known.get_field_index(field.name) < 0]
    return {f"{prefix}{name}": len(found) - pc.struct_field(found, name).null_count for name in extra}
