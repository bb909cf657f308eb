"""The numbers of charts as CSV, one line a number, for whoever wants to draw them again."""

import csv
import io
from collections.abc import Iterable

from readstate.html.charts import Chart
from readstate.text import escape_formula

HEADER = ("chart", "label", "series", "value")


def render_csv(charts: Iterable[Chart]) -> str:
    """Return UTF-8 CSV with a header; a number that is not known is empty, and no text is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for chart in charts:
        for place, label in enumerate(chart.labels):
            for one in chart.series:
                value = one.values[place]
                words = map(escape_formula, (chart.name, label, one.name))
                writer.writerow([*words, "" if value is None else f"{value:.12g}"])
    return text.getvalue()
