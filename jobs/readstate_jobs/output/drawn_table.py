"""A table at a terminal: in colour, with cells folded where they are too wide."""

from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from readstate.text import escape_control


def draw_table(
    rows: Sequence[Sequence[str]], *, header: Sequence[str], numeric: Sequence[bool], alarms: Collection[str]
) -> None:
    """Print a table with *numeric* columns at the right and the cells that are one of *alarms* in red."""
    look: dict[str, Any] = {"box": box.SIMPLE_HEAD, "padding": (0, 1)} if header else {"box": None, "padding": (0, 2)}
    table = Table(show_header=bool(header), pad_edge=False, **look)
    for name, is_numeric in zip_longest(header, numeric):
        table.add_column(Text(escape_control(name or "")), justify="right" if is_numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(escape_control(cell), style="bold red" if cell in alarms else "") for cell in row))
    Console(highlight=False).print(table)
