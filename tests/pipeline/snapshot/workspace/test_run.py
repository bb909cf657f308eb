from datetime import UTC, datetime, timedelta

import pytest

from readstate.snapshot.workspace.run import Span, idle_seconds

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def span(begins: float, ends: float) -> Span:
    return Span(NOON + timedelta(seconds=begins), NOON + timedelta(seconds=ends))


@pytest.mark.parametrize(
    ("spans", "idle"),
    [
        ([span(0, 10)], 0),
        ([span(0, 10), span(10, 20)], 0),
        ([span(0, 10), span(15, 20)], 5),
        ([span(15, 20), span(0, 10)], 5),
        ([span(0, 100), span(10, 20), span(30, 40)], 0),
        ([span(0, 10), span(5, 30), span(40, 50)], 10),
        ([span(0, 10), span(20, 20)], 10),
        ([span(0, 10), span(-5, -1)], 1),
    ],
)
def test_idle_is_what_no_span_covers(spans: list[Span], idle: float) -> None:
    assert idle_seconds(spans) == idle
