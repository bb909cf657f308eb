"""The table of fields is the official description's, wherever that lies beside the checkout."""

import json
from typing import Any

import pytest

from readstate.probe.description import DESCRIBED
from tests.helpers.repository import DESCRIPTION

_SCHEMAS = {
    "services": ["service"],
    "configuration": ["configuration"],
    "users": ["user", "service.service_user"],
    "user_conversations": ["user.user_conversation", "service.service_user.service_user_conversation"],
    "conversations": ["conversation", "service.service_conversation"],
    "participants": [
        "conversation.conversation_participant", "service.service_conversation.service_conversation_participant",
    ],
    "messages": ["conversation.conversation_message", "service.service_conversation.service_conversation_message"],
}  # fmt: skip


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the official description is not beside the checkout")
@pytest.mark.parametrize("name", _SCHEMAS)
def test_the_fields_are_those_of_the_description(name: str) -> None:
    schemas: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["components"]["schemas"]
    fields = [schemas[f"conversations.v1.{schema}"]["properties"] for schema in _SCHEMAS[name]]
    described = DESCRIBED[name]

    assert described.known == set().union(*fields)
    assert described.required == set(fields[0]).intersection(*fields)
    for field, schema in (pair for family in fields for pair in family.items()):
        wrong = {"string": 1, "integer": "x", "boolean": "x", "object": "x", "array": "x"}.get(schema.get("type"))
        assert (described.problem({field: None}) == "") == schema.get("nullable", False), field
        assert wrong is None or described.problem({field: wrong}), field
        assert "pattern" not in schema or described.problem({field: "XX" + "0" * 32}), field
