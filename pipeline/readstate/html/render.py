"""Render templates: HTML pages that fetch and run nothing, and Markdown. Text from outside stays text in both."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from readstate.text import escape_control, group_digits

_HERE = Path(__file__).parent


def render_template(template: Path, **facts: object) -> str:
    """Return *template* filled with *facts*: an ``.html`` file that may extend ``base.html``, or an ``.md`` file."""
    environment = Environment(
        loader=FileSystemLoader([template.parent, _HERE]),
        autoescape=template.suffix == ".html",  # noqa: S701 - Markdown has other rules, see escape_markdown_cell
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=format_number, escape_control=_escaped, cell=escape_markdown_cell, share=format_share
    )
    return environment.get_template(template.name).render(facts)


def escape_markdown_cell(text: object) -> str:
    """Return *text* with everything escaped that has a meaning in a Markdown table."""
    return re.sub(r"([\\`*_\[\]<>|#!~@&])", r"\\\1", _escaped(text))


def format_share(part: int, whole: int) -> str:
    """Return *part* in percent of *whole*, rounded, but to 0 or 100 only if that is exact."""
    if 0 < part < whole and not 0.5 <= 100 * part / whole < 99.5:
        return "< 1 %" if 2 * part < whole else "> 99 %"
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def format_number(value: float | None) -> str:
    """Return *value* in groups of three digits, with spaces at which no line breaks; empty for None."""
    if value is None:
        return ""
    if float(value).is_integer():
        return group_digits(int(value)).replace(" ", "\u202f")
    return f"{value:,.1f}"


def _escaped(value: object) -> str:
    return escape_control(str(value))
