import json
from typing import Any

import pytest

from readstate.probe.exchange import Exchange
from readstate.probe.field_findings import field_findings
from readstate.probe.finding import Finding
from tests.helpers.simulated_api import SimulatedApi


def _finding(name: str, body: Any, about: Any = "pages") -> Finding:
    (finding,) = field_findings([
        Exchange(about=about, resource=name, target="/v1/x", origin="https://x", status=200,
                 body=json.dumps(body).encode(), sent_at=0, seconds=0)
    ])  # fmt: skip
    return finding


@pytest.mark.parametrize(
    ("change", "seen", "faults"),
    [
        ({}, "as described, never null", {}),
        ({"colour": "red"}, "unknown: colour", {"extra_fields": True}),
        ({"anna@example.com": 1, "CH" + "0" * 32: 2}, "unknown: (an odd name)", {"extra_fields": True}),
        ({"unread_messages_count": "3"}, "of another type: Expected `int | null`, got `str`", {}),
        ({"notification_level": None}, "of another type: Expected `str`, got `null`", {}),
        ({"conversation_state": "anna@example.com"}, "of another type: Invalid enum value '(an odd name)'", {}),
        ({"participant_sid": "anna"}, "of another type: Expected `str` matching regex '^MB[0-9a-fA-F]{32}$'", {}),
        ({"user_sid": ...}, "missing: user_sid", {}),
        ({"friendly_name": None}, "null somewhere: friendly_name", {}),
    ],
)
def test_fields_are_compared_with_the_description(change: dict[str, Any], seen: str, faults: dict[str, Any]) -> None:
    row = {name: value if value is not None else "x" for name, value in SimulatedApi().membership(horizon=True).items()}
    row = {name: value for name, value in (row | change).items() if value is not ...}
    page = {"conversations": [row], "meta": {"key": "conversations", "next_page_url": None}}

    finding = _finding("user_conversations", page)

    assert seen in finding.seen
    assert finding.faults == faults
    assert finding.contradicts == (seen.split(":", maxsplit=1)[0] in {"unknown", "of another type", "missing"})


def test_a_resource_that_is_no_list_has_fields_too() -> None:
    finding = _finding("configuration", {"chat_service_sid": "IS" + "0" * 32, "colour": 1}, about="service_settings")

    assert finding.subject == "service_configuration: fields"
    assert finding.seen.startswith("unknown: colour; missing: default_chat_service_role_sid,")
