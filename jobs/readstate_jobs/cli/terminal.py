"""Results on stdout: one JSON document, or tables and text that cannot move the cursor."""

import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from readstate.text import escape_control

_PIPE_WIDTH = 10_000
"""Wide enough that a row is one line in a file or a pipe, where lines are counted or wrapped by what reads them."""

_BETWEEN_COLUMNS = 3


def emit(document: Mapping[str, Any], show: Callable[[], None], *, as_json: bool) -> None:
    """Write a result: *document* where JSON is wanted, otherwise what *show* prints."""
    if as_json:
        print_json(document)
    else:
        show()


def print_json(document: Mapping[str, Any]) -> None:
    """Write one JSON document to stdout."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    click.echo(json.dumps(document, indent=2, default=str, ensure_ascii=not is_unicode))


def print_table(rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), title: str | None = None) -> None:
    """Write a table to stdout, in colour on a terminal only.

    A table too wide for the terminal is written as a list of its rows.
    """
    if title:
        click.echo(click.style(escape_control(title), bold=True))
    if sys.stdout.isatty() and sum(map(len, header)) + _BETWEEN_COLUMNS * len(header) > Console().width:
        for row in rows:
            print_table(list(zip(header, row, strict=True)))
            click.echo()
        return
    table = _table(rows, header)
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    text = io.StringIO()
    Console(file=text, highlight=False, width=_PIPE_WIDTH, no_color=True).print(table)
    for line in text.getvalue().splitlines():
        if line.strip():
            click.echo(line.rstrip())


def _table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> Table:
    look: dict[str, Any] = {"box": box.SIMPLE_HEAD, "padding": (0, 1)} if header else {"box": None, "padding": (0, 2)}
    table = Table(show_header=bool(header), pad_edge=False, **look)
    for number, name in enumerate(header or rows[0] if rows else ()):
        numeric = all(_is_number(row[number]) for row in rows)
        table.add_column(name if header else "", justify="right" if numeric and header else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(escape_control(cell)) for cell in row))
    return table


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[\d  .,%-]+", text))
