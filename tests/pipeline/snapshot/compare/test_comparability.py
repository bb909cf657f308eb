"""A missing row proves something only between complete runs over one roster."""

from typing import Any

import pytest

from readstate.snapshot.compare.comparability import comparability
from readstate.snapshot.published.manifest import RosterScope, UserCounts
from tests.helpers.snapshots import DAY, SERVICE, manifest

INCOMPLETE = {"complete": False, "users": UserCounts(listed=3, read=2, vanished=0, failed=1)}


@pytest.mark.parametrize(
    ("old", "new", "additions", "removals"),
    [({}, {}, True, True), ({}, INCOMPLETE, True, False), (INCOMPLETE, {}, False, False)],
    ids=["both complete", "second incomplete", "first incomplete"],
)
def test_a_run_that_is_incomplete_may_have_missed_rows(
    old: dict[str, Any], new: dict[str, Any], additions: bool, removals: bool
) -> None:
    known = comparability(manifest(**old), manifest(**new))

    assert (known.additions_known, known.removals_known) == (additions, removals)
    reason = f"the snapshot of {DAY} is incomplete: 1 users could not be read"
    assert known.reasons == (() if removals else (reason,))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ({"roster": None}, {}, "does not contain which users"),
        ({}, {"roster": RosterScope(("all",), users_sha256="a")}, "different users"),
        ({}, {"roster": RosterScope((SERVICE,))}, "different services"),
        ({"roster": RosterScope(("all",), limit=5)}, {"roster": RosterScope(("all",), limit=5)}, "trial"),
        ({}, {"account_sid": "AC" + "f" * 32}, "two accounts"),
        ({}, {"base_url": "https://conversations.dublin.ie1.twilio.com"}, "us1 and ie1"),
        ({}, {"base_url": "http://127.0.0.1:8080"}, "us1 and 127.0.0.1:8080"),
        (
            {"roster": RosterScope(("default",), default_service="IS1")},
            {"roster": RosterScope(("default",), default_service="IS2")},
            "different default services",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_different_rosters_make_both_unknown(old: dict[str, Any], new: dict[str, Any], why: str) -> None:
    known = comparability(manifest(**old), manifest(**new))

    assert (known.additions_known, known.removals_known) == (False, False)
    assert why in known.reasons[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"base_url": "https://conversations.dublin.us1.twilio.com"}),
        ({"roster": RosterScope(("default",))}, {"roster": RosterScope(("default",), default_service="IS1")}),
    ],
    ids=["another edge of one region", "a default service that was not recorded"],
)
def test_what_is_no_difference_is_none(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert comparability(manifest(**old), manifest(**new)).removals_known
