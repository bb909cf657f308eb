import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.query.query import run_query
from tests.helpers.repository import PIPELINE
from tests.helpers.snapshots import conversation_sid, publish, row, user, user_sid

PAGE = (PIPELINE / "snapshot" / "query" / "RECIPES.md").read_text(encoding="utf-8")
RECIPES = {
    heading: re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    for heading, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
U, C = user_sid, conversation_sid


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("recipes") / "root"
    shared = [
        row(1, 2, unread_messages_count=0),
        row(2, 1, unread_messages_count=None, last_read_message_index=None, notification_level="muted"),
        row(
            2, 3, unread_messages_count=5, conversation_state="closed", notification_level="muted", created_by="user 1"
        ),
    ]
    publish(root, OLD, [*shared, row(1, 1, unread_messages_count=60)])
    publish(
        root,
        NEW,
        [
            *shared,
            row(1, 1, unread_messages_count=0),
            row(3, 4, unread_messages_count=1000, date_updated=LONG_AGO, last_read_message_index=2),
        ],
        users=[user(number) for number in (1, 2, 3, 4)],
        failures=[{"user_sid": U(4), "reason": "502 four times", "status": 502}],
    )
    return str(root)


def answers(root: str, heading: str) -> list[list[dict[str, Any]]]:
    found = []
    for query in RECIPES[heading]:
        with open_catalog(root, for_query=query) as snapshots:
            found.append([line for batch in run_query(snapshots, query).batches for line in batch.to_pylist()])
    return found


EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "Unread messages by user": [
        ("user 3", U(3), 1000, True),
        ("user 2", U(2), 5, False),
        ("user 1", U(1), 0, False),
    ],
    "Users with more than 50 unread messages": [("user 3", U(3), 1000, 1)],
    "Never read, unread or read, by state": [("active", 1, 1, 2), ("closed", 0, 1, 0)],
    "Conversations without a reader": [(C(4), "Conversation 4", 1, 1, LONG_AGO)],
    "Muted everywhere": [("user 2", U(2), 2)],
    "Unread and stale": [
        ("user 3", C(4), 1000, LONG_AGO),
        ("user 2", C(3), 5, datetime(2026, 10, 1, tzinfo=UTC)),
    ],
    "At the cap": [("user 3", U(3), C(4), 2)],
    "Growth by day": [(OLD, True, 2, 4, None), (NEW, False, 3, 5, 1)],
    "Unread by day": [(OLD, 2, 65), (NEW, 2, 1005)],
    "Read since the previous snapshot": [("IS" + "1" * 32, U(1), C(1), "60")],
    "Users that could not be read": [("502 four times", 502, None, 1, U(4))],
}


@pytest.mark.parametrize("heading", EXPECTED)
def test_the_recipe_answers(heading: str, root: str) -> None:
    (found,) = answers(root, heading)

    assert [tuple(line.values()) for line in found] == EXPECTED[heading]


def test_gdpr_finds_the_identity_in_every_snapshot_as_member_and_as_creator(root: str) -> None:
    rows, users = answers(root, "GDPR: everything about one identity")

    assert [(line["snapshot_date"], line["user_sid"], line["conversation_sid"]) for line in rows] == [
        (day, *key) for day in (OLD, NEW) for key in ((U(1), C(1)), (U(1), C(2)), (U(2), C(3)))
    ]
    assert [(line["snapshot_date"], line["sid"]) for line in users] == [(OLD, U(1)), (NEW, U(1))]


def test_every_recipe_is_tested() -> None:
    assert RECIPES.keys() == {*EXPECTED, "GDPR: everything about one identity"}
