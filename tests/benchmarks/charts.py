"""Charts as files of SVG that suit a light and a dark page: no background, and colours between both."""

import re
from math import ceil, log10
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
    colors=_COLOURS, opacity="1", stroke_width="2", font_family="sans-serif",
    label_font_size=14, major_label_font_size=14, title_font_size=15, value_font_size=14, legend_font_size=14,
    value_colors=(_TEXT,) * len(_COLOURS),
)  # fmt: skip
_BESIDE_ITS_BAR = "inline: text.value {text-anchor: start; transform: translate(9px, 0)}"


def draw(chart: Chart) -> str:
    """Return the picture as SVG: the same text for the same figures."""
    picture = _lines(chart) if chart.lines else _bars(chart)
    picture.title, picture.uuid = chart.title, chart.name
    return re.sub("<!--.*?-->", "", picture.render(is_unicode=True)) + "\n"  # one of them has the time of drawing


def _bars(chart: Chart) -> Any:
    picture = pygal.HorizontalBar(
        **_options(), css=["file://style.css", "file://graph.css", _BESIDE_ITS_BAR],
        show_legend=False, print_values=True, print_values_position="top", show_x_labels=False, show_x_guides=False,
        height=60 + 30 * len(chart.bars), range=(0, 1.1 * max(chart.bars.values())),
    )  # fmt: skip
    # The first bar is drawn at the bottom; people read from the top.
    picture.x_labels = list(reversed(chart.bars))
    picture.add(
        "",
        [{"value": chart.bars[name], "color": _COLOURS[not name.startswith("readstate")]} for name in picture.x_labels],
    )
    return picture


def _lines(chart: Chart) -> Any:
    """Draw lines over powers of ten, so that small runs are seen beside large ones."""
    xs, ys = zip(*(point for line in chart.lines.values() for point in line), strict=True)
    picture = pygal.XY(**_options(), height=300, show_dots=False, legend_at_bottom=True, legend_at_bottom_columns=3)
    least, most = int(log10(min(xs))), log10(max(xs))
    picture.xrange = (least, most)
    picture.x_labels = [{"value": power, "label": group(10**power)} for power in range(least, int(most) + 1)]
    picture.y_labels = range(0, ceil(max(ys) / 50) * 50 + 1, 50)
    for name, line in chart.lines.items():
        picture.add(name, [(log10(x), y) for x, y in line])
    return picture


def _options() -> dict[str, Any]:
    return {
        "style": _STYLE, "width": 500, "js": [], "truncate_label": -1, "truncate_legend": -1,
        "margin": 10, "margin_right": 48, "margin_bottom": 24, "value_formatter": short,
    }  # fmt: skip
