"""How results reach people: text that cannot move the cursor, tables, JSON."""

import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from readstate.text import escape_control

_ANY_WIDTH = 10_000
"""Into a file or a pipe each row is one line: whoever reads it wraps, or counts lines."""


_BETWEEN_COLUMNS = 3


def printable_lines(text: str) -> str:
    """*text* as `escape_control` gives it, but with its own line ends: for messages of several lines."""
    return "\n".join(map(escape_control, text.split("\n")))


def print_json(document: Mapping[str, Any]) -> None:
    """Write one JSON document to stdout."""
    click.echo(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def print_table(rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), title: str | None = None) -> None:
    """Write a table to stdout, in colour on a terminal only; there, one too wide is written as a list of its rows."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if title:
        click.echo(click.style(escape_control(title), bold=True))
    if sys.stdout.isatty() and sum(map(len, header)) + _BETWEEN_COLUMNS * len(header) > Console().width:
        for row in rows:
            print_table(list(zip(header, row, strict=True)))
            click.echo()
        return
    look = {"box": box.SIMPLE_HEAD, "padding": (0, 1)} if header else {"box": None, "padding": (0, 2)}
    table = Table(show_header=bool(header), pad_edge=False, **look)
    for number, name in enumerate(header or rows[0] if rows else ()):
        numeric = all(_is_number(row[number]) for row in rows)
        table.add_column(name if header else "", justify="right" if numeric and header else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(escape_control(cell)) for cell in row))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    written = io.StringIO()
    Console(file=written, highlight=False, width=_ANY_WIDTH, no_color=True).print(table)
    for line in written.getvalue().splitlines():
        if line.strip():
            click.echo(line.rstrip())


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[\d  .,%-]+", text))
