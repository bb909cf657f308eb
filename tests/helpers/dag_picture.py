"""A DAG as a picture: its tasks in columns, as far from the left as their longest path; direct dependencies only."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, GAP, ROW = 112, 44, 22, 64
STYLE = (
    "text{font:12px system-ui,sans-serif;text-anchor:middle;fill:#1f2937}.rule{font-size:10px;fill:#6b7280}"
    "rect{fill:#f9e0e6;stroke:#9d174d;rx:6px}.mapped{stroke-width:3}path{fill:none;stroke:#6b7280;marker-end:url(#tip)}"
)
TIP = (
    '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    '<path style="fill:#6b7280;stroke:none;marker-end:none" d="M0 0 8 4 0 8z"/></marker></defs>'
)


@dataclass(frozen=True)
class Task:
    downstream: frozenset[str]
    is_mapped: bool = False
    trigger_rule: str = "all_success"


def draw(tasks: Mapping[str, Task]) -> str:
    """Return an SVG of *tasks*; a thick border is a mapped task, and a rule is one that is not *all_success*."""
    edges = _reduced(tasks)
    columns: dict[int, list[str]] = {}
    for name in sorted(tasks):
        columns.setdefault(_depth(name, tasks), []).append(name)
    height = max(map(len, columns.values())) * ROW
    places = {
        name: (10 + column * (WIDTH + GAP), (height - len(names) * ROW) / 2 + row * ROW + (ROW - HEIGHT) / 2)
        for column, names in columns.items()
        for row, name in enumerate(names)
    }
    arrows = [_arrow(places[begin], places[end]) for begin, end in edges]
    boxes = [_box(name, task, places[name]) for name, task in sorted(tasks.items())]
    width = 20 + len(columns) * (WIDTH + GAP) - GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "\n".join([head, f"<style>{STYLE}</style>{TIP}", *arrows, *boxes, "</svg>", ""])


def _depth(name: str, tasks: Mapping[str, Task]) -> int:
    return max((1 + _depth(one, tasks) for one, task in tasks.items() if name in task.downstream), default=0)


def _reduced(tasks: Mapping[str, Task]) -> list[tuple[str, str]]:
    """Return the edges without those that a longer path implies."""
    return [
        (begin, end)
        for begin in sorted(tasks)
        for end in sorted(tasks[begin].downstream)
        if not any(end in _reachable(one, tasks) for one in tasks[begin].downstream - {end})
    ]


def _reachable(name: str, tasks: Mapping[str, Task]) -> set[str]:
    return {name}.union(*(_reachable(one, tasks) for one in tasks[name].downstream))


def _arrow(begin: tuple[float, float], end: tuple[float, float]) -> str:
    x, y, to_x, to_y = begin[0] + WIDTH, begin[1] + HEIGHT / 2, end[0], end[1] + HEIGHT / 2
    return f'<path d="M{x:g} {y:g} C{x + GAP / 2:g} {y:g} {to_x - GAP / 2:g} {to_y:g} {to_x:g} {to_y:g}"/>'


def _box(name: str, task: Task, place: tuple[float, float]) -> str:
    x, y = place
    rule = "" if task.trigger_rule == "all_success" else task.trigger_rule.replace("_", " ")
    centre, kind = x + WIDTH / 2, ' class="mapped"' if task.is_mapped else ""
    texts = f'<text x="{centre:g}" y="{y + (20 if rule else 26):g}">{escape(name)}</text>'
    texts += f'<text class="rule" x="{centre:g}" y="{y + 35:g}">{rule}</text>' if rule else ""
    return f'<rect{kind} x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}"/>{texts}'
