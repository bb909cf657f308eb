"""Charts as SVG inside the page, with colours from its CSS, so that light, dark and print all suit.

pygal, because it is small (130 kB, no compiled parts), draws in milliseconds and leaves colours to CSS; matplotlib
weighs 60 MB and fixes them; plotly needs 4.7 MB of script in each page.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any
from xml.etree import ElementTree as ET

import pygal
from markupsafe import Markup
from msgspec import Struct
from pygal.style import Style

from readstate.html.axes import Axis, scale
from readstate.html.render import format_number
from readstate.text import truncate

_SVG = "http://www.w3.org/2000/svg"
_WIDTH = 480
"""Narrow, so that text stays readable on a phone, where a chart shrinks to 330 pixels."""
_LONGEST_LABEL = 24
_DIGIT = 0.022
"""The width of one digit in a bar, as a share of the longest bar."""


class Series(Struct, frozen=True):
    """One colour of a chart: a name, a CSS variable without its dashes, a number for each label."""

    name: str
    colour: str
    values: Sequence[float | None]
    """None is a gap in a line."""


class Chart(Struct, frozen=True):
    """A picture, its title as one sentence, and its numbers as a table."""

    name: str
    """What it is about, whatever it shows today."""
    title: str
    svg: Markup
    labels: Sequence[str]
    """What each row of the table is about."""
    series: Sequence[Series]
    """The columns of the table."""
    legend: Sequence[tuple[str, str]]
    """Each colour with what it means; empty where there is one. In HTML, because it wraps where a picture cannot."""


def stacked_bars(title: str, labels: Sequence[str], series: Sequence[Series], *, name: str, unit: str) -> Chart:
    """Return a chart with one horizontal bar a label, stacked from all series."""
    highest = max(
        (sum(filter(None, values)) for values in zip(*(one.values for one in series), strict=True)), default=0
    )
    chart = pygal.HorizontalStackedBar(
        style=_style(series),
        height=90 + 34 * len(labels),
        x_title=unit,
        print_values=True,
        **_options(highest),
    )
    # The first bar is drawn at the bottom; people read from the top.
    chart.x_labels = _shortened(reversed(labels))
    for one in series:
        chart.add(one.name, [_inside(value, highest) for value in reversed(one.values)])
    return _finished(chart, name, title, labels, series, text="fill: var(--page)")


def bars(
    title: str, labels: Sequence[str], series: Series, *, name: str, axis: str, unit: str, colours: Sequence[str]
) -> Chart:
    """Return a chart with one horizontal bar a label, each in its own colour; *axis* names the labels."""
    chart = pygal.HorizontalBar(
        style=_style([series]),
        height=110 + 26 * len(labels),
        x_title=unit,
        y_title=axis,
        print_values=True,
        print_values_position="top",
        **_options(max(filter(None, series.values), default=0)),
    )
    bars = [
        {"value": value, "style": f"fill: var(--{colour}); stroke: none"}
        for value, colour in zip(series.values, colours, strict=True)
    ]
    # The first bar is drawn at the bottom; people read from the top.
    chart.x_labels = _shortened(reversed(labels))
    chart.add(series.name, list(reversed(bars)))
    return _finished(chart, name, title, labels, [series], text="fill: var(--ink); text-anchor: start")


def lines(title: str, axis: Axis, series: Sequence[Series], *, name: str, unit: str) -> Chart:
    """Return a chart with one line a series; its legend has the last values where these are those of now."""
    highest = max((value for one in series for value in one.values if value is not None), default=0)
    chart = pygal.XY(
        style=_style(series),
        height=220,
        x_title=axis.title,
        y_title=unit,
        show_dots=len(axis.places) < 40,
        dots_size=2,
        allow_interruptions=True,
        **_options(highest) | {"formatter": str},
    )
    chart.x_labels = [{"value": place, "label": text} for place, text in axis.marks]
    for one in series:
        chart.add(one.name, list(zip(axis.places, one.values, strict=True)))
    last = [f" {format_number(one.values[-1])}" if axis.ends_now else "" for one in series]
    return _finished(chart, name, title, axis.labels, series, last=last)


def _inside(value: float | None, highest: float) -> dict[str, Any]:
    """Return a part of a bar that shows its number if there is room for it."""
    text = format_number(value)
    is_wide = (value or 0) > highest * _DIGIT * (len(text) + 1)
    return {"value": value, "formatter": lambda _: text if is_wide else ""}


def _options(highest: float) -> dict[str, Any]:
    marks = scale(highest)
    return {
        "width": _WIDTH,
        "js": [],
        "margin": 8,
        "margin_right": 56,
        "spacing": 8,
        "range": (0, marks[-1]),
        "y_labels": marks,
        "show_legend": False,
        "truncate_label": -1,
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
        title_font_size=15,
        value_font_size=13,
        tooltip_font_size=15,
    )


def _finished(
    chart: Any,
    name: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    last: Iterable[str] = repeat(""),
    text: str = "",
) -> Chart:
    svg = chart.render_tree()
    for parent in list(svg.iter()):
        for child in list(parent):
            # A page has no script; without it, pygal's own tooltips stay empty, and its titles name nothing.
            is_of_no_use = child.tag is ET.Comment or str(child.tag).endswith(("script", "title", "desc"))
            if is_of_no_use or child.get("class") == "tooltip":
                parent.remove(child)
            elif child.get("class") == "value":
                child.set("style", text)
    svg.set("role", "img")
    svg.set("aria-label", f"Chart: {title}")
    ET.register_namespace("", _SVG)
    drawn = Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704 - made by pygal, escaped
    legend = [(one.colour, one.name + after) for one, after in zip(series, last, strict=False)]
    return Chart(name, title, drawn, labels, series, legend if len(legend) > 1 else [])
