"""Charts as SVG inside the page, with colours from its CSS, so that light, dark and print all suit.

pygal, because it is small (130 kB, no compiled parts), draws in milliseconds and leaves colours to CSS; matplotlib
weighs 60 MB and fixes them; plotly needs 4.7 MB of script in each page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import pygal
from markupsafe import Markup
from pygal.style import Style

from readstate.text import group_digits, truncate

_SVG = "http://www.w3.org/2000/svg"
_WIDTH = 480
"""Narrow, so that text stays readable on a phone, where a chart shrinks to 330 pixels."""
_MOST_LABELS = 4
_LONGEST_LABEL = 40


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture, its title as one sentence, and its numbers as a table."""

    title: str
    svg: Markup
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a name, a CSS variable without its dashes, a number for each label."""

    name: str
    colour: str
    values: Sequence[float | None]
    """None is a gap in a line."""


def stacked_bars(title: str, labels: Sequence[str], series: Sequence[Series], *, unit: str) -> Chart:
    """Return a chart with one horizontal bar a label, stacked from all series."""
    chart = pygal.HorizontalStackedBar(
        style=_style(series), height=130 + 34 * len(labels), x_title=unit, **_options(series)
    )
    # The first bar is drawn at the bottom; people read from the top.
    chart.x_labels = _shortened(reversed(labels))
    for one in series:
        chart.add(one.name, list(reversed(one.values)))
    return _finished(chart, title, labels, series)


def bars(title: str, labels: Sequence[str], series: Series, *, axis: str, unit: str, colours: Sequence[str]) -> Chart:
    """Return a chart with one horizontal bar a label, each in its own colour; *axis* names the labels."""
    chart = pygal.HorizontalBar(
        style=_style([series]), height=110 + 26 * len(labels), x_title=unit, y_title=axis, **_options([series])
    )
    bars = [
        {"value": value, "style": f"fill: var(--{colour}); stroke: none"}
        for value, colour in zip(series.values, colours, strict=True)
    ]
    # The first bar is drawn at the bottom; people read from the top.
    chart.x_labels = _shortened(reversed(labels))
    chart.add(series.name, list(reversed(bars)))
    return _finished(chart, title, labels, [series])


def lines(title: str, labels: Sequence[str], series: Sequence[Series], *, axis: str, unit: str) -> Chart:
    """Return a chart with one line a series; of many labels only a few are written."""
    step = -(-len(labels) // _MOST_LABELS) or 1
    highest = max((value for one in series for value in one.values if value is not None), default=0)
    chart = pygal.Line(
        style=_style(series),
        height=260,
        x_title=axis,
        y_title=unit,
        range=(0, highest or 1),
        show_dots=len(labels) < 40,
        allow_interruptions=True,
        **_options(series),
    )
    # pygal's own choice of labels goes by their text, and two moments may be written alike.
    chart.x_labels = _shortened(label if place % step == 0 else "" for place, label in enumerate(labels))
    for one in series:
        chart.add(one.name, list(one.values))
    return _finished(chart, title, labels, series)


def _options(series: Sequence[Series]) -> dict[str, Any]:
    return {
        "width": _WIDTH,
        "js": [],
        "margin": 8,
        "margin_right": 40,
        "spacing": 8,
        "show_legend": len(series) > 1,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": len(series),
        "max_scale": 5,
        "truncate_label": -1,
        "truncate_legend": -1,
        "formatter": format_number,
        "value_formatter": format_number,
    }


def _shortened(labels: Iterable[str]) -> list[str]:
    # Not by pygal's `truncate_label`: it measures the whole label, and where nothing is left of the width, never ends.
    return [truncate(label, _LONGEST_LABEL) for label in labels]


def _style(series: Sequence[Series]) -> Style:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--soft)",
        guide_stroke_color="var(--grid)",
        guide_stroke_dasharray="none",
        major_guide_stroke_color="var(--grid)",
        major_guide_stroke_dasharray="none",
        colors=tuple(f"var(--{one.colour})" for one in series),
        opacity="1",
        opacity_hover="1",
        stroke_width="2",
        font_family="inherit",
        label_font_size=15,
        major_label_font_size=15,
        legend_font_size=15,
        title_font_size=15,
        tooltip_font_size=15,
    )


def _finished(chart: Any, title: str, labels: Sequence[str], series: Sequence[Series]) -> Chart:
    svg = chart.render_tree()
    for parent in list(svg.iter()):
        for child in list(parent):
            # A page has no script; without it, pygal's own tooltips stay empty, and its titles name nothing.
            is_of_no_use = child.tag is ET.Comment or str(child.tag).endswith(("script", "title"))
            if is_of_no_use or child.get("class") == "tooltip":
                parent.remove(child)
    svg.set("role", "img")
    svg.set("aria-label", f"Chart: {title}")
    ET.register_namespace("", _SVG)
    text = ET.tostring(svg, encoding="unicode")
    rows = [[label, *(format_number(one.values[place]) for one in series)] for place, label in enumerate(labels)]
    return Chart(title, Markup(text), ["", *(one.name for one in series)], rows)  # noqa: S704 - made by pygal, escaped


def format_number(value: float | None) -> str:
    """Return *value* in groups of three digits, with spaces at which no line breaks; empty for None."""
    if value is None:
        return ""
    if float(value).is_integer():
        return group_digits(int(value)).replace(" ", "\u202f")
    return f"{value:,.1f}"
