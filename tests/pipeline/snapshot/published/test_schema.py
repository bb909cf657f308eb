"""The schema is a contract: a change of it is a new version."""

import pyarrow as pa

from readstate.model.resources import UserConversation
from readstate.snapshot.published.schema import FAILURES, ROWS, SCHEMA_VERSION, USER_CONVERSATIONS, USERS

ADDED = ["snapshot_at", "identity", "unread_capped"]


def test_columns_are_the_fields_of_twilio_in_their_order_and_then_ours() -> None:
    flattened = {
        "timers": ["timers_date_inactive", "timers_date_closed"],
        "links": ["links_participant", "links_conversation"],
    }
    expected = [column for name in UserConversation.__struct_fields__ for column in flattened.get(name, [name])]

    assert [*expected, *ADDED] == USER_CONVERSATIONS.names


def test_types_are_fixed() -> None:
    types = {field.name: str(field.type) for field in USER_CONVERSATIONS if field.type != pa.string()}

    assert types == {
        "unread_messages_count": "int32",
        "last_read_message_index": "int64",
        "conversation_state": "dictionary<values=string, indices=int32, ordered=0>",
        "notification_level": "dictionary<values=string, indices=int32, ordered=0>",
        "timers_date_inactive": "timestamp[us, tz=UTC]",
        "timers_date_closed": "timestamp[us, tz=UTC]",
        "date_created": "timestamp[us, tz=UTC]",
        "date_updated": "timestamp[us, tz=UTC]",
        "snapshot_at": "timestamp[us, tz=UTC]",
        "unread_capped": "bool",
    }


def test_every_schema_names_its_version() -> None:
    versions = {schema.metadata[b"readstate.schema_version"] for schema in (USER_CONVERSATIONS, ROWS, USERS, FAILURES)}

    assert versions == {str(SCHEMA_VERSION).encode()}
