from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from readstate.snapshot.query.catalog import open_catalog
from readstate.snapshot.report.statistics import (
    AGES,
    BUCKETS,
    FailureKind,
    Statistics,
    UnreadPerUser,
    compute_statistics,
)
from tests.helpers.snapshots import SERVICE, conversation_sid, publish, row, user_sid

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)
OTHER_SERVICE = "IS" + "2" * 32


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = str(tmp_path_factory.mktemp("statistics"))
    publish(root, OLD, [row(1, 1)])
    rows = [
        row(1, 1, unread_messages_count=0),
        row(1, 2, unread_messages_count=None, conversation_state="closed"),
        row(2, 1, unread_messages_count=1000),
        row(2, 4, unread_messages_count=1, conversation_state=None, notification_level="muted"),
        row(3, 5, unread_messages_count=12, chat_service_sid=OTHER_SERVICE, date_updated=None),
    ]
    publish(root, NEW, rows, failures=[{"reason": "502", "status": 502}, {"reason": "502", "status": 502}])
    return root


def statistics_of(root: str, day: date) -> Statistics:
    with open_catalog(root, day) as snapshots:
        return compute_statistics(snapshots, day=day)


@pytest.fixture(scope="module")
def statistics(root: str) -> Statistics:
    return statistics_of(root, NEW)


def test_rows_are_counted_by_state_and_service(statistics: Statistics) -> None:
    assert {group.group: (group.read, group.unread, group.never_read) for group in statistics.by_state} == {
        "active": (1, 2, 0),
        "closed": (0, 0, 1),
        "no state": (0, 1, 0),
    }
    assert {group.group: group.rows for group in statistics.by_service} == {SERVICE: 4, OTHER_SERVICE: 1}
    assert (statistics.all_rows.read, statistics.all_rows.unread, statistics.all_rows.never_read) == (1, 3, 1)


def test_unread_counts_are_counted_by_range_up_to_the_cap(statistics: Statistics) -> None:
    assert dict(zip(BUCKETS, statistics.unread_counts, strict=True)) == {
        "never read": 1,
        "0": 1,
        "1": 1,
        "2–9": 0,
        "10–99": 1,
        "100–999": 0,
        "≥ 1000": 1,
    }


def test_the_users_with_most_unread_come_first(statistics: Statistics) -> None:
    assert [(one.user_sid, one.unread_messages, one.capped) for one in statistics.most_unread_users] == [
        (user_sid(2), 1001, True),
        (user_sid(3), 12, False),
    ]


def test_stale_conversations_have_unread_messages_and_a_date(statistics: Statistics) -> None:
    assert [(one.conversation_sid, one.unread_members) for one in statistics.stale_conversations] == [
        (conversation_sid(1), 1),
        (conversation_sid(4), 1),
    ]


def test_levels_and_failures_are_counted(statistics: Statistics) -> None:
    assert statistics.notification_levels == [("default", 4), ("muted", 1)]
    assert statistics.failures == [FailureKind(502, None, 2)]


def test_unread_messages_are_summed(statistics: Statistics) -> None:
    assert statistics.all_rows.unread_messages == 1013


def test_users_are_told_by_percentiles(statistics: Statistics) -> None:
    assert statistics.per_user == UnreadPerUser(
        users=3, with_unread=2, with_100=1, p50=12, p90=1001, p99=1001, maximum=1001
    )


def test_the_age_of_what_is_unread_is_counted_from_the_beginning_of_the_run(tmp_path: Path) -> None:
    began = datetime(2026, 11, 23, tzinfo=UTC)
    days_ago = (0, 1, 1.5, 7, 8, 30, 31, None)
    rows = [
        row(1, number, date_updated=None if days is None else began - timedelta(days=days))
        for number, days in enumerate(days_ago)
    ]
    publish(tmp_path, NEW, [*rows, row(1, 99, unread_messages_count=0)])

    found = statistics_of(str(tmp_path), NEW)
    assert dict(zip(AGES, found.unread_ages, strict=True)) == {
        "up to 24 hours": 2, "up to 7 days": 2, "up to 30 days": 2, "older": 1, "no date": 1,
    }  # fmt: skip


def test_services_have_a_series_each_where_there_are_several(root: str, statistics: Statistics) -> None:
    assert [(day, group.group, group.unread) for day, group in statistics.by_day_and_service] == [
        (str(OLD), SERVICE, 1),
        (str(NEW), SERVICE, 2),
        (str(NEW), OTHER_SERVICE, 1),
    ]
    assert statistics_of(root, OLD).by_day_and_service == []


def test_the_series_ends_with_the_snapshot_that_is_reported(root: str, statistics: Statistics) -> None:
    assert [group.group for group in statistics.by_day] == [str(OLD), str(NEW)]
    assert [group.group for group in statistics_of(root, OLD).by_day] == [str(OLD)]
