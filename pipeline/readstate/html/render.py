"""Fills templates: HTML pages that fetch and run nothing, and Markdown; what people wrote stays text in both."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from readstate.html.charts import number
from readstate.text import escape_control

_HERE = Path(__file__).parent


def fill(template: Path, **facts: object) -> str:
    """Fill *template*, an ``.html`` file that may extend ``base.html``, or an ``.md`` file, with *facts*."""
    environment = Environment(
        loader=FileSystemLoader([template.parent, _HERE]),
        autoescape=template.suffix == ".html",  # noqa: S701 - Markdown has other rules, see cell
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, escape_control=_escaped, cell=cell, share=share)
    return environment.get_template(template.name).render(facts)


def cell(text: object) -> str:
    """*text* that stays text in a Markdown table."""
    return re.sub(r"([\\`*_\[\]<>|#!~@&])", r"\\\1", _escaped(text))


def share(part: int, whole: int) -> str:
    """*part* in percent of *whole*; neither nothing nor all where it is not."""
    if 0 < part < whole and not 0.5 <= 100 * part / whole < 99.5:
        return "< 1 %" if 2 * part < whole else "> 99 %"
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def _escaped(value: object) -> str:
    return escape_control(str(value))
