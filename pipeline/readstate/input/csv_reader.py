"""Read CSV or plain text as records, in one streaming pass that tells every problem of form and continues."""

import csv
import io
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from readstate.errors import BadInput
from readstate.input.decoding import (
    MOST_LINES,
    NumberedLines,
    encodings_that_read,
    find_encoding,
    undecodable_byte,
)
from readstate.input.file_kinds import LONGEST_START, foreign_kind
from readstate.input.header import (
    DELIMITERS,
    Columns,
    cells_of,
    header_problems,
    is_header,
    names_of,
    sniff_delimiter,
)
from readstate.input.problems import Problem, problem_at
from readstate.input.source import COMPRESSION_FAILURES, TooLarge
from readstate.text import unescape_formula

BROKEN = (UnicodeDecodeError, UnicodeEncodeError, OSError, TooLarge, *COMPRESSION_FAILURES)
"""What ends the reading of a file before its end."""
_DELIMITER_NAMES = {name: delimiter for delimiter, name in DELIMITERS.items()} | {"\\t": "\t"}
# The first line that Excel writes and wants where the delimiter is not the one of the country.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_NOT_BLANK = re.compile(r"[^\s,;|]")


class Record(msgspec.Struct, frozen=True, gc=False):
    """One line of data, or several where a quoted cell holds line ends."""

    line: int
    line_end: int
    cells: list[str]


class BrokenRecord(Struct, frozen=True):
    """A line that is not a record, and why; or all lines from it on."""

    problem: Problem

    @property
    def line(self) -> int:
        return self.problem.line


class Format(Struct, frozen=True):
    """How a file is written, and its columns."""

    encoding: str
    """Such as ``UTF-8``; ``Parquet`` for that."""
    delimiter: str
    """Such as ``comma``; empty where there is none."""
    header: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.encoding}, {self.delimiter} delimiter" if self.delimiter else self.encoding


class Table(Struct, frozen=True):
    """A file whose header has been read; `records` reads the rest, once."""

    format: Format
    records: Iterator[Record | BrokenRecord]


class ReadOptions(Struct, frozen=True, kw_only=True):
    """How to read a file; None: as the file says."""

    encoding: str | None = None
    delimiter: str | None = None
    most_lines: int = MOST_LINES


def read_csv(stream: io.BufferedReader, columns: Columns, options: ReadOptions) -> Table | list[Problem]:
    """Read the header of *stream*; return the file with its records, or what is wrong with the header.

    Raise `BadInput` for an unknown encoding or delimiter.
    """
    chosen = None if options.delimiter is None else _delimiter(options.delimiter)
    lines: NumberedLines | None = None
    try:
        if (foreign := foreign_kind(stream.peek(LONGEST_START)[:LONGEST_START])) is not None:
            kind, hint = foreign
            return [problem_at(1, "E-FORMAT", f"the file is neither CSV nor text: {kind}", hint)]
        lines = NumberedLines(stream, find_encoding(stream, options.encoding), options.most_lines)
        return _read_header(lines, columns, chosen)
    except BROKEN as error:
        return [_broken(error, 1 if lines is None else lines.line)]


def _read_header(lines: NumberedLines, columns: Columns, delimiter: str | None) -> Table | list[Problem]:
    first, separator = _first_line(lines)
    if first is None:
        return [_at(lines, "E-EMPTY", "the file is empty", _first_line_hint(columns))]
    if (problem := _undecodable_or_nul(lines)) is not None:
        return [problem]
    delimiter = delimiter or separator or sniff_delimiter(first, columns)
    cells = cells_of(first, delimiter)
    names = names_of(cells)
    if columns.alone is not None and not is_header(names, columns):
        lines.push_back(keep=0)
        return Table(Format(str(lines.encoding), "", (columns.alone,)), _text_records(lines))
    name = DELIMITERS.get(delimiter, repr(delimiter))
    problems = [
        _at(lines, "E-HEADER", problem.message, problem.hint, column=problem.column)
        for problem in header_problems(names, columns, form=f"delimiter: {name}")
    ]
    form = Format(str(lines.encoding), name, names)
    return problems or Table(form, _csv_records(lines, delimiter, len(names)))


def _first_line(lines: NumberedLines) -> tuple[str | None, str | None]:
    """Return the first line that is not blank, and the delimiter that a line before it names."""
    separator = None
    for text in lines:
        if separator is None and (match := _SEPARATOR_LINE.fullmatch(text)):
            separator = match[1]
        elif _NOT_BLANK.search(text):
            return text, separator
        lines.accept()
    return None, separator


def _csv_records(lines: NumberedLines, delimiter: str, width: int) -> Iterator[Record | BrokenRecord]:
    # strict: otherwise the csv module would quietly accept a stray quote and join cells.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.accept()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.push_back(keep=1)
            yield BrokenRecord(_undecodable_or_nul(lines) or _misquoted(lines, error))
            continue
        except BROKEN as error:
            yield BrokenRecord(_broken(error, lines.line + 1))
            return
        problem = _undecodable_or_nul(lines)
        if problem is None:
            if not any(cells):
                continue
            problem = _wrong_width(lines, cells, width)
        if problem is not None:
            yield BrokenRecord(problem)
            continue
        if any("'" in text for text in lines.pending):
            # As our own CSV files have texts that a spreadsheet would compute.
            cells = [unescape_formula(cell) for cell in cells]
        yield Record(lines.line - len(lines.pending) + 1, lines.line, cells[:width])


def _text_records(lines: NumberedLines) -> Iterator[Record | BrokenRecord]:
    while True:
        lines.accept()
        try:
            text = next(lines)
        except StopIteration:
            return
        except BROKEN as error:
            yield BrokenRecord(_broken(error, lines.line + 1))
            return
        if (problem := _undecodable_or_nul(lines)) is not None:
            yield BrokenRecord(problem)
        elif text.strip():
            yield Record(lines.line, lines.line, [text.rstrip("\r\n")])


def _broken(error: Exception, line: int) -> Problem:
    if isinstance(error, TooLarge):
        return problem_at(line, "E-LIMIT", f"{error}: the rest was not read", "Divide the file, or look at what it is.")
    if isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
        message, hint = f"the text is not {error.encoding.upper()}", "Save the file as UTF-8."
    else:
        message, hint = f"the file ends or breaks here: {error}", "It is damaged: get it again."
    return problem_at(line, "E-UNREADABLE", message, hint)


def _undecodable_or_nul(lines: NumberedLines) -> Problem | None:
    for text in lines.pending:
        if (at := undecodable_byte(text)) is not None:
            return _undecodable(lines, text, at)
        if "\0" in text:
            return _at(
                lines,
                "E-NUL",
                "the line holds a NUL byte",
                "The file is binary, damaged, or UTF-16 without a byte order mark: save it as UTF-8.",
            )
    return None


def _undecodable(lines: NumberedLines, text: str, at: int) -> Problem:
    encoding, errors = lines.encoding.name, lines.encoding.errors
    candidates = encodings_that_read(text.encode(encoding, errors))
    return _at(
        lines,
        "E-ENCODING",
        f"character {at + 1} of the line is the byte 0x{ord(text[at]) - 0xDC00:02x}, which is not {encoding.upper()}",
        f"Save the file as UTF-8; lint and plan also take {', '.join(f'--encoding {name}' for name in candidates)}.",
        value=text.strip(),
    )


def _misquoted(lines: NumberedLines, error: csv.Error) -> Problem:
    value = lines.pending[0].strip()
    if "limit" in str(error) or "longer than" in str(error):
        return _at(
            lines,
            "E-TOO-LONG",
            f"a cell without end, or a very long one: {error}",
            "Shorten it, or close the quote that the line opens.",
            value=value,
        )
    return _at(
        lines,
        "E-QUOTE",
        f"a quote is out of place ({error})",
        'Quote a whole cell or none of it, and write a quote inside one twice: "say ""hi""".',
        value=value,
    )


def _wrong_width(lines: NumberedLines, cells: list[str], width: int) -> Problem | None:
    # Spreadsheets like to add empty cells at the end; a missing cell is more likely a damaged line.
    if len(cells) == width or (len(cells) > width and not any(cells[width:])):
        return None
    return _at(
        lines,
        "E-COLUMNS",
        f"{len(cells)} cells where the header has {width}",
        "Quote cells that hold the delimiter, or complete the line.",
    )


def _at(lines: NumberedLines, code: str, message: str, hint: str, *, column: str = "", value: str = "") -> Problem:
    first, last = max(1, lines.line - len(lines.pending) + 1), max(1, lines.line)
    return problem_at(first, code, message, hint, line_end=last, column=column, value=value)


def _first_line_hint(columns: Columns) -> str:
    return f"Its first line names the columns, such as {','.join(columns.known[:2])}."


def _delimiter(text: str) -> str:
    delimiter = _DELIMITER_NAMES.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise BadInput(
            f"--delimiter {text!r} is not one character", hint="Use comma, semicolon, tab, pipe or one character."
        )
    return delimiter
