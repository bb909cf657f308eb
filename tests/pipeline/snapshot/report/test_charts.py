"""Charts of a report: which way changed rows went, and how services are called."""

from datetime import date
from pathlib import Path

import msgspec

from readstate.snapshot.published.manifest import ServiceUsers
from readstate.snapshot.report.charts import change_charts, service_names
from readstate.snapshot.report.report import make_report
from tests.helpers.snapshots import SERVICE, publish, row

OLD, NEW = date(2026, 11, 22), date(2026, 11, 23)
OTHER = "IS" + "2" * 32


def test_changed_rows_are_told_by_the_way_they_went(tmp_path: Path) -> None:
    def rows(*states: tuple[int | None, int | None]) -> list[dict[str, object]]:
        return [
            row(1, number, last_read_message_index=index, unread_messages_count=unread)
            for number, (index, unread) in enumerate(states)
        ]

    publish(tmp_path, OLD, rows((3, 5), (3, 5), (3, 5), (None, None), (3, 5), (3, 5)))
    publish(tmp_path, NEW, rows((8, 0), (8, 0), (3, 9), (2, 6), (1, 7), (3, 5)))
    comparison = make_report(str(tmp_path)).comparison
    assert comparison is not None

    (chart,) = change_charts(comparison)
    assert chart.title == (
        "Since 2026-11-22, users have read further in 3 memberships, and 2 have more unread messages"
    )
    assert dict(zip(chart.labels, chart.series[0].values, strict=True)) == {
        "read on": 2,
        "read for the first time": 1,
        "set back": 1,
        "more unread messages": 2,
        "fewer unread messages": 2,
    }


def test_services_without_a_name_of_their_own_keep_their_sid(tmp_path: Path) -> None:
    publish(tmp_path, NEW, [row(1, 1), row(1, 1, chat_service_sid=OTHER)])
    report = make_report(str(tmp_path))

    def names(first: str | None, second: str | None) -> list[str]:
        services = (ServiceUsers(SERVICE, 1, first), ServiceUsers(OTHER, 1, second))
        return list(
            service_names(msgspec.structs.replace(report.manifest, services=services), report.statistics).values()
        )

    assert names("Support", None) == ["Support", "IS…2222"]
    assert names("Support", "Support") == ["IS…1111 Support", "IS…2222 Support"]
