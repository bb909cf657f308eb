"""Charts: SVG without scripts, and the same numbers as a table."""

import re
from datetime import date

import pytest

from readstate.html.axes import date_axis, time_axis
from readstate.html.charts import Chart, Series, bars, format_number, lines, stacked_bars

DAYS = [date(2026, 11, 22), date(2026, 11, 23)]
READ, UNREAD = Series("read", "read", [3, 1_000]), Series("unread", "unread", [4, 0])
CHARTS = [
    stacked_bars("Two services", ["IS1", "IS2"], [READ, UNREAD], name="rows", unit="rows"),
    bars("Two services", ["IS1", "IS2"], READ, axis="service", name="rows", unit="rows", colours=["read", "cap"]),
    lines("Two days", date_axis("day", DAYS), [READ, Series("gap", "never", [None, 1.25])], name="rows", unit="rows"),
]


@pytest.mark.parametrize("chart", CHARTS, ids=["stacked bars", "bars", "lines"])
def test_a_chart_runs_nothing_and_names_itself(chart: Chart) -> None:
    assert chart.svg.startswith("<svg")
    assert f'aria-label="Chart: {chart.title}"' in chart.svg
    assert "<script" not in chart.svg
    assert "<title" not in chart.svg


def test_names_in_a_chart_stay_text() -> None:
    chart = stacked_bars("<b>", ["<i>evil</i>"], [Series("<u>", "read", [1])], name="rows", unit="rows")

    assert "<i>" not in chart.svg
    assert "<b>" not in chart.svg


@pytest.mark.parametrize("label", ["x" * 10_000, "x " * 5_000, "𝕏" * 1_000])
def test_a_long_label_is_cut(label: str) -> None:
    one = Series("rows", "read", [1])

    charts = [
        stacked_bars("", [label], [one], name="rows", unit="rows"),
        bars("", [label], one, axis="", name="rows", unit="rows", colours=["read"]),
    ]

    assert all(label not in chart.svg and label[:20] in chart.svg for chart in charts)


def xs_of(chart: Chart) -> list[float]:
    """Return the horizontal places of the dots of the first line."""
    return [float(x) for x in re.findall(r'<circle cx="([0-9.]+)"', chart.svg)]


def test_a_pause_is_as_wide_as_it_was_long() -> None:
    chart = lines("", time_axis("", [0, 10, 20, 120]), [Series("rows", "read", [1, 1, 1, 1])], name="rows", unit="rows")

    begin, second, third, last = xs_of(chart)
    assert third - second == pytest.approx(second - begin, rel=0.01)
    assert last - third == pytest.approx(10 * (second - begin), rel=0.01)


def test_bars_say_their_numbers_where_there_is_room() -> None:
    stacked = stacked_bars(
        "", ["a"], [Series("many", "read", [12_345]), Series("few", "unread", [3])], name="rows", unit="rows"
    )
    plain = bars(
        "", ["a", "b"], Series("rows", "read", [12_345, 3]), axis="", name="rows", unit="", colours=["read", "read"]
    )

    written = [re.findall(r'class="value"[^>]*>([^<]+)<', chart.svg) for chart in (stacked, plain)]
    assert written == [["12\u202f345"], ["3", "12\u202f345"]]


def test_a_line_of_days_ends_with_the_number_of_today() -> None:
    assert CHARTS[2].legend == [("read", "read 1\u202f000"), ("never", "gap 1.2")]
    assert CHARTS[0].legend == [("read", "read"), ("unread", "unread")]
    assert not CHARTS[1].legend


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0, "0"), (1_234_567, "1\u202f234\u202f567"), (2.0, "2"), (2.46, "2.5")]
)
def test_numbers_do_not_break_at_the_end_of_a_line(value: float | None, text: str) -> None:
    assert format_number(value) == text
