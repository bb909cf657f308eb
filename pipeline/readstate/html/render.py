"""Fills templates: HTML pages that fetch and run nothing, and Markdown; what people wrote stays text in both."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from readstate.html.charts import number

_HERE = Path(__file__).parent
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def fill(template: Path, **facts: object) -> str:
    """Fill *template*, an ``.html`` file that may extend ``base.html``, or an ``.md`` file, with *facts*."""
    environment = Environment(
        loader=FileSystemLoader([template.parent, _HERE]),
        autoescape=template.suffix == ".html",  # noqa: S701 - Markdown has other rules, see cell
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, visible=visible, cell=cell, share=share)
    return environment.get_template(template.name).render(facts)


def visible(text: object) -> str:
    """*text* with control characters made visible: a name must not be able to turn the page around."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", str(text))


def cell(text: object) -> str:
    """*text* that stays text in a Markdown table."""
    return re.sub(r"([\\`*_\[\]<>|#!~@&])", r"\\\1", visible(text))


def share(part: int, whole: int) -> str:
    """*part* in percent of *whole*; neither nothing nor all where it is not."""
    if 0 < part < whole and not 0.5 <= 100 * part / whole < 99.5:
        return "< 1 %" if 2 * part < whole else "> 99 %"
    return f"{100 * part / whole:.0f} %" if whole else "0 %"
