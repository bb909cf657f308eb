"""Charts: SVG without scripts, and the same numbers as a table."""

import pytest

from readstate.html.charts import Chart, Series, bars, format_number, lines, stacked_bars

READ, UNREAD = Series("read", "read", [3, 1_000]), Series("unread", "unread", [4, 0])
CHARTS = [
    stacked_bars("Two services", ["IS1", "IS2"], [READ, UNREAD], unit="rows"),
    bars("Two services", ["IS1", "IS2"], READ, axis="service", unit="rows", colours=["read", "cap"]),
    lines("Two days", ["IS1", "IS2"], [READ, Series("gap", "never", [None, 1.25])], axis="day", unit="rows"),
]


@pytest.mark.parametrize("chart", CHARTS, ids=["stacked bars", "bars", "lines"])
def test_a_chart_runs_nothing_and_names_itself(chart: Chart) -> None:
    assert chart.svg.startswith("<svg")
    assert f'aria-label="Chart: {chart.title}"' in chart.svg
    assert "<script" not in chart.svg
    assert "<title" not in chart.svg


def test_the_table_has_every_number_of_every_series() -> None:
    assert CHARTS[0].header == ["", "read", "unread"]
    assert CHARTS[0].rows == [["IS1", "3", "4"], ["IS2", "1\u202f000", "0"]]
    assert CHARTS[2].rows == [["IS1", "3", ""], ["IS2", "1\u202f000", "1.2"]]


def test_names_in_a_chart_stay_text() -> None:
    chart = stacked_bars("<b>", ["<i>evil</i>"], [Series("<u>", "read", [1])], unit="rows")

    assert "<i>" not in chart.svg
    assert "<b>" not in chart.svg


@pytest.mark.parametrize("label", ["x" * 10_000, "x " * 5_000, "𝕏" * 1_000])
def test_a_long_label_is_cut_in_the_chart_and_whole_in_the_table(label: str) -> None:
    one = Series("rows", "read", [1])

    charts = [
        stacked_bars("", [label], [one], unit="rows"),
        bars("", [label], one, axis="", unit="rows", colours=["read"]),
        lines("", [label], [one], axis="", unit="rows"),
    ]

    assert all(label not in chart.svg and label[:39] in chart.svg for chart in charts)
    assert all(chart.rows[0][0] == label for chart in charts)


def test_of_many_labels_only_some_are_written() -> None:
    labels = [f"day {number}" for number in range(100)]

    chart = lines("Days", labels, [Series("rows", "read", list(range(100)))], axis="day", unit="rows")

    assert 1 < sum(label in chart.svg for label in labels) < 10


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0, "0"), (1_234_567, "1\u202f234\u202f567"), (2.0, "2"), (2.46, "2.5")]
)
def test_numbers_do_not_break_at_the_end_of_a_line(value: float | None, text: str) -> None:
    assert format_number(value) == text
