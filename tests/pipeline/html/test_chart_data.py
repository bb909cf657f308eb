import csv

from readstate.html.chart_data import render_csv
from readstate.html.charts import Series, bars, stacked_bars


def test_every_number_is_a_line_under_a_name_that_does_not_change_with_it() -> None:
    charts = [
        stacked_bars(
            "3 are read", ["a, b", "=1+1"], [Series("read", "read", [3, 1_234_567]), Series("x", "cap", [0.1, None])],
            name="states", unit="rows",
        ),
        bars("", ["c"], Series("rows", "read", [0]), name="ages", axis="", unit="", colours=["read"]),
    ]  # fmt: skip

    assert list(csv.reader(render_csv(charts).splitlines())) == [
        ["chart", "label", "series", "value"],
        ["states", "a, b", "read", "3"],
        ["states", "a, b", "x", "0.1"],
        ["states", "'=1+1", "read", "1234567"],
        ["states", "'=1+1", "x", ""],
        ["ages", "c", "rows", "0"],
    ]
