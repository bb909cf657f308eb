"""Charts as files of SVG that suit a light and a dark page: no background, and colours between both."""

from math import log10
from typing import Any

import pygal
from pygal.style import Style

from tests.benchmarks.figures import Chart, group, short

_TEXT, _GRID = "#7a828c", "#8b949e55"
_COLOURS = ("#1f8fff", "#e8833a", "#2da160", "#a371f7")
_STYLE = Style(
    background="transparent", plot_background="transparent",
    foreground=_TEXT, foreground_strong=_TEXT, foreground_subtle=_GRID,
    guide_stroke_color=_GRID, guide_stroke_dasharray="none",
    major_guide_stroke_color=_GRID, major_guide_stroke_dasharray="none",
    colors=_COLOURS, opacity="1", opacity_hover="1", stroke_width="2", font_family="sans-serif",
    label_font_size=14, major_label_font_size=14, title_font_size=16, value_font_size=14, legend_font_size=14,
    value_colors=(_TEXT,) * len(_COLOURS),
)  # fmt: skip


def draw(chart: Chart) -> str:
    picture = _lines(chart) if chart.lines else _bars(chart)
    picture.title = chart.title
    # The time of drawing and an id by chance would make another file of the same figures.
    return str(picture.render(is_unicode=True)).replace("\r", "") + "\n"


def _bars(chart: Chart) -> Any:
    picture = pygal.HorizontalBar(
        **_options(), show_legend=False, print_values=True, print_values_position="top",
        height=70 + 34 * len(chart.bars), range=(0, 1.15 * max(chart.bars.values())), value_formatter=short,
    )  # fmt: skip
    # The first bar is drawn at the bottom; people read from the top.
    names = list(reversed(chart.bars))
    picture.x_labels = names
    picture.add("", [{"value": chart.bars[name], "color": _COLOURS["readstate" not in name]} for name in names])
    return picture


def _lines(chart: Chart) -> Any:
    """By powers of ten, so that small runs are seen beside large ones."""
    points = [point for line in chart.lines.values() for point in line]
    picture = pygal.XY(
        **_options(), show_dots=False, height=340, legend_at_bottom=True, range=(0, 1.1 * max(y for _, y in points)),
        value_formatter=short,
    )  # fmt: skip
    powers = range(int(log10(min(x for x, _ in points))), int(log10(max(x for x, _ in points))) + 2)
    picture.x_labels = [{"value": power, "label": group(10**power)} for power in powers]
    for name, line in chart.lines.items():
        picture.add(name, [(log10(x), y) for x, y in line])
    return picture


def _options() -> dict[str, Any]:
    return {"style": _STYLE, "width": 760, "js": [], "truncate_label": -1, "truncate_legend": -1, "margin": 10}
