"""Which identities are asked for, and what it means where one is not found."""

import json
from collections.abc import Mapping

import pytest

from readstate.probe.exchange import Exchange
from readstate.probe.finding import Finding
from readstate.probe.identity_findings import identity_findings, telling_identities
from readstate.twilio.http.request import segment


def test_each_reserved_character_is_asked_once_in_the_plainest_identity() -> None:
    listed = ["anna", "a/b#c", "a#b", "..", "tab\t", "d/e", "\ud800", "müller", "李雷", "a@b", "plus+", ""]

    assert telling_identities(listed, most=8) == ["a#b", "plus+", "d/e", "müller", "a@b"]
    assert telling_identities(listed, most=1) == ["a#b"]


def _findings(answers: Mapping[str, tuple[int, str]]) -> dict[str, Finding]:
    exchanges = [
        Exchange(
            about="identity", resource="users", target=f"/v1/Users/{segment(asked)}", origin="https://x",
            status=status, body=json.dumps({"identity": told}).encode(), sent_at=0, seconds=0,
        )
        for asked, (status, told) in answers.items()
    ]  # fmt: skip
    return {finding.subject: finding for finding in identity_findings(exchanges)}


@pytest.mark.parametrize(
    ("answers", "seen", "behaviour"),
    [
        ({"a/b": (200, "a/b")}, {"%2F": "%2F: 200"}, {}),
        ({"a/b": (404, "")}, {"%2F": "%2F: 404"}, {"encoded_slash": "separator"}),
        ({"a+b": (200, "a b")}, {"other characters": "%2B: another user"}, {"lost_characters": ["%2B"]}),
        ({"a/b": (404, ""), "a/#": (404, ""), "ü": (200, "ü")},
         {"%2F": "%2F: 404", "other characters": "beyond ASCII: 200"}, {"encoded_slash": "separator"}),
        ({"a#b": (503, "")}, {}, {}),
    ],
)  # fmt: skip
def test_a_character_is_lost_where_nobody_who_has_it_is_found(
    answers: Mapping[str, tuple[int, str]], seen: Mapping[str, str], behaviour: Mapping[str, object]
) -> None:
    findings = _findings(answers)

    assert {name.partition(" in an")[0]: finding.seen for name, finding in findings.items()} == seen
    assert {name: value for finding in findings.values() for name, value in finding.behaviour.items()} == behaviour
