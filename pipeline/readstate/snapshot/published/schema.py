"""The fixed Arrow schemas of a snapshot: names, types and order of the columns do not depend on the data."""

import pyarrow as pa

from readstate.snapshot.published.manifest import Dataset

SCHEMA_VERSION = 1

_METADATA = {"readstate.schema_version": str(SCHEMA_VERSION)}
_TIMESTAMP = pa.timestamp("us", tz="UTC")
# The values that Twilio documents are few, but a new one must not stop an export: the dictionary takes any string.
_ENUM = pa.dictionary(pa.int32(), pa.string())

USER_CONVERSATIONS = pa.schema(
    [
        ("account_sid", pa.string()),
        ("chat_service_sid", pa.string()),
        ("conversation_sid", pa.string()),
        ("unread_messages_count", pa.int32()),
        ("last_read_message_index", pa.int64()),
        ("participant_sid", pa.string()),
        ("user_sid", pa.string()),
        ("friendly_name", pa.string()),
        ("conversation_state", _ENUM),
        ("timers_date_inactive", _TIMESTAMP),
        ("timers_date_closed", _TIMESTAMP),
        ("attributes", pa.string()),
        ("date_created", _TIMESTAMP),
        ("date_updated", _TIMESTAMP),
        ("created_by", pa.string()),
        ("notification_level", _ENUM),
        ("unique_name", pa.string()),
        ("url", pa.string()),
        ("links_participant", pa.string()),
        ("links_conversation", pa.string()),
        ("snapshot_at", _TIMESTAMP),
        ("identity", pa.string()),
        ("unread_capped", pa.bool_()),
    ],
    metadata=_METADATA,
)
"""Twilio's eighteen fields in Twilio's order, `timers` and `links` flattened, then what readstate adds.

`unread_capped` is true where the count is 1000, which means 1000 or more, and null where there is no count.
"""


def plain_strings(schema: pa.Schema) -> pa.Schema:
    """Return *schema* with plain strings in place of dictionary-encoded ones."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(fields, metadata=schema.metadata)


ROWS = plain_strings(USER_CONVERSATIONS)
"""USER_CONVERSATIONS before it is written: enums are plain strings, because each file has its own dictionary."""

USERS = pa.schema(
    [
        ("sid", pa.string()),
        ("chat_service_sid", pa.string()),
        ("account_sid", pa.string()),
        ("identity", pa.string()),
        ("friendly_name", pa.string()),
        ("attributes", pa.string()),
        ("role_sid", pa.string()),
        ("date_created", _TIMESTAMP),
        ("date_updated", _TIMESTAMP),
        ("conversations", pa.int32()),
        ("result", pa.string()),
        ("snapshot_at", _TIMESTAMP),
    ],
    metadata=_METADATA,
)
"""The users of the roster. `conversations` counts the rows read, null where none could be; `result` is read, vanished,
unknown or failed."""

FAILURES = pa.schema(
    [
        ("chat_service_sid", pa.string()),
        ("user_sid", pa.string()),
        ("identity", pa.string()),
        ("reason", pa.string()),
        ("status", pa.int32()),
        ("code", pa.int32()),
        ("request_id", pa.string()),
        ("failed_at", _TIMESTAMP),
    ],
    metadata=_METADATA,
)
"""The users that could not be read, and why."""

SCHEMAS: dict[Dataset, pa.Schema] = {"user_conversations": USER_CONVERSATIONS, "users": USERS, "failures": FAILURES}

KEY = ("chat_service_sid", "user_sid", "conversation_sid")
"""Identifies one UserConversation; files are sorted by it."""

PII_COLUMNS = frozenset({"identity", "friendly_name", "unique_name", "attributes", "created_by"})
"""Columns that may hold personal data."""
