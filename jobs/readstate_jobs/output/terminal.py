"""Results on stdout: one JSON document, or tables and text that cannot move the cursor."""

import codecs
import io
import json
import re
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain, islice
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click
import msgspec

from readstate.text import escape_control, escape_json
from readstate_jobs.output.messages import command_line

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BETWEEN_WORDS: dict[str, Any] = {
    "break_long_words": False, "break_on_hyphens": False, "subsequent_indent": " " * 8,
}  # fmt: skip
_MARKS = {"~": "yellow", "-": "red", "+": "green", "!": "red", "?": "yellow", "x": "red", "ok": "green"}
"""What a line of a plan begins with, and its colour."""
_MEASURED_ROWS = 1000
_BETWEEN_COLUMNS = 3


class Document(msgspec.Struct, tag_field="schema"):
    """What ``--json`` prints; its tag is its name and version.

    ``documents.schema.json`` is made from its subclasses. Add fields as you like; where one goes, or means something
    else, its document gets the next number.
    """


def emit(document: Document, show: Callable[[], None], *, as_json: bool) -> None:
    """Write a result: *document* where JSON is wanted, otherwise what *show* prints."""
    if as_json:
        print_json(document)
    else:
        show()


def print_json(document: msgspec.Struct) -> None:
    """Write one JSON document to stdout."""
    command_line().keep_results()
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    found = msgspec.to_builtins(document)
    click.echo(escape_json(json.dumps(found, indent=2, ensure_ascii=not is_unicode)))


def print_line(text: str, *, err: bool = False) -> None:
    """Write *text* as one line to stdout or stderr; what could steer a terminal or end the line becomes an escape."""
    click.echo(escape_control(text), file=sys.stderr if err else sys.stdout)


class ShownBytes(io.RawIOBase):
    """Stdout for results in bytes at a terminal: what could steer it becomes an escape. Other readers get them raw."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def writable(self) -> bool:
        return True

    def write(self, content: "ReadableBuffer", /) -> int:
        click.echo(escape_json(self._decode(bytes(content))), nl=False)
        return memoryview(content).nbytes


def print_plan(text: str) -> None:
    """Write a plan to stdout: on a terminal, its marks in colour and its lines broken between words, never in a SID."""
    for line in text.splitlines():
        if not sys.stdout.isatty():
            click.echo(line)
            continue
        first, *others = textwrap.wrap(line, get_terminal_size().columns, **_BETWEEN_WORDS) or [""]
        mark = re.match(r" (\S+) ", first)
        if mark is not None and (colour := _MARKS.get(mark[1])) is not None:
            first = click.style(mark[0], fg=colour, bold=True) + first[mark.end() :]
        click.echo("\n".join([first, *others]))


def print_table(
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = (),
    title: str | None = None,
    alarms: Collection[str] = (),
) -> None:
    """Write a table to stdout, on a terminal in colour, with the cells that are one of *alarms* in red.

    A table too wide for the terminal is written as a list of its rows.
    """
    if title:
        click.echo(click.style(escape_control(title), bold=True))
    if sys.stdout.isatty() and sum(map(len, header)) + _BETWEEN_COLUMNS * len(header) > get_terminal_size().columns:
        for row in rows:
            print_table(list(zip(header, row, strict=True)), alarms=alarms)
            click.echo()
        return
    if sys.stdout.isatty():
        from readstate_jobs.output.drawn_table import draw_table  # noqa: PLC0415 - rich, for terminals alone

        numeric = [bool(header) and all(map(_is_number, column)) for column in zip(*rows, strict=True)]
        draw_table(rows, header=header, numeric=numeric, alarms=alarms)
    else:
        print_lines(rows, header=header)


def print_lines(rows: Iterable[Sequence[str]], *, header: Sequence[str] = ()) -> None:
    """Write a table to a file or a pipe as *rows* come: each is one line, for what counts and filters lines.

    Columns are as wide as the first thousand rows need.
    """
    from rich.cells import cell_len  # noqa: PLC0415 - JSON needs no widths

    escaped = ([escape_control(cell) for cell in row] for row in rows)
    first = list(islice(escaped, _MEASURED_ROWS))
    measured = [*first, *([[escape_control(name) for name in header]] if header else [])]
    widths = [max(map(cell_len, column)) for column in zip(*measured, strict=True)]
    numeric = [bool(header) and all(map(_is_number, column)) for column in zip(*first, strict=True)]
    numeric = numeric or [False] * len(header)
    edge, between = (" ", " " * _BETWEEN_COLUMNS) if header else ("", "    ")

    def write(cells: Sequence[str]) -> None:
        padded = []
        for cell, width, is_right in zip(cells, widths, numeric, strict=True):
            blanks = " " * (width - cell_len(cell))
            padded.append(blanks + cell if is_right else cell + blanks)
        click.echo((edge + between.join(padded)).rstrip())

    if header:
        write(measured[-1])
        click.echo(" " + "─" * (sum(widths) + _BETWEEN_COLUMNS * (len(widths) - 1)))
    for cells in chain(first, escaped):
        write(cells)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[\d  .,%-]+(e[+-]?\d+)?|null", text))
