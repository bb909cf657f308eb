"""Read a changes file as records, in one streaming pass that reports every problem of form and continues."""

import csv
import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from readstate.changes.input.decoding import (
    NumberedLines,
    TextEncoding,
    encodings_that_read,
    find_encoding,
    undecodable_byte,
)
from readstate.changes.input.problems import Problem, problem_at
from readstate.errors import BadInput

COLUMNS = (
    "user",
    "conversation",
    "op",
    "last_read_message_index",
    "last_read_timestamp",
    "notification_level",
    "expect_last_read_message_index",
    "expect_notification_level",
    "row_key",
    "note",
)
REQUIRED = ("user", "conversation")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_OFTEN_MEANT = {
    "user_sid": "user",
    "identity": "user",
    "conversation_sid": "conversation",
    "unique_name": "conversation",
    "operation": "op",
    "action": "op",
    "index": "last_read_message_index",
    "timestamp": "last_read_timestamp",
    "level": "notification_level",
}
_DELIMITER_NAMES = {name: delimiter for delimiter, name in DELIMITERS.items()} | {"\\t": "\t"}

OnProblem = Callable[[Problem], None]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One line of data, or several where a quoted cell holds line ends."""

    line: int
    line_end: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A line that is not a record; its problem has been reported."""

    line: int
    line_end: int


@dataclass(frozen=True, slots=True)
class Format:
    """Encoding, delimiter and header of a file."""

    encoding: TextEncoding
    delimiter: str
    header: tuple[str, ...]

    @property
    def delimiter_name(self) -> str:
        return DELIMITERS.get(self.delimiter, repr(self.delimiter))

    def __str__(self) -> str:
        return f"{self.encoding}, {self.delimiter_name} delimiter"


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file whose header has been read; `records` reads the rest, once."""

    format: Format
    records: Iterator[Record | BrokenRecord]


def read_csv(
    stream: BinaryIO, *, report: OnProblem, encoding: str | None = None, delimiter: str | None = None
) -> CsvFile | None:
    """Read the header of *stream*, and return the file with its records; None if the header cannot be used.

    Every problem is passed to *report* as it is found. Raise `BadInput` for an unknown *encoding* or *delimiter*.
    """
    chosen = None if delimiter is None else _delimiter(delimiter)
    known_encoding, text_stream = find_encoding(stream, encoding)
    lines = NumberedLines(text_stream, known_encoding)
    first = next(lines, None)
    if first is None:
        report(_at(lines, "E-EMPTY", "the file is empty", "readstate template writes one to start from."))
        return None
    if (problem := _undecodable_or_nul(lines)) is not None:
        report(problem)
        return None
    chosen = chosen or sniff_delimiter(first)
    header = _cells_of(first, chosen)
    problems = list(_header_problems(lines, header, chosen))
    for problem in problems:
        report(problem)
    if problems:
        return None
    lines.accept()
    return CsvFile(Format(known_encoding, chosen, tuple(header)), _records(lines, chosen, len(header), report))


def sniff_delimiter(header: str) -> str:
    """Return the delimiter that finds the most known columns in *header*, or else the most columns."""
    return max(DELIMITERS, key=lambda delimiter: _knownness(_cells_of(header, delimiter)))


def _records(lines: NumberedLines, delimiter: str, width: int, report: OnProblem) -> Iterator[Record | BrokenRecord]:
    # strict: otherwise the csv module would quietly accept a stray quote and join cells.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.accept()
        line = lines.line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.push_back_all_but_first()
            report(_undecodable_or_nul(lines) or _misquoted(lines, error))
            yield BrokenRecord(line, line)
            continue
        problem = _undecodable_or_nul(lines)
        if problem is None:
            if not any(cells):
                continue
            problem = _wrong_width(lines, cells, width)
        if problem is None:
            yield Record(line, lines.line, cells)
        else:
            report(problem)
            yield BrokenRecord(line, lines.line)


def _undecodable_or_nul(lines: NumberedLines) -> Problem | None:
    for text in lines.pending:
        if (at := undecodable_byte(text)) is not None:
            return _undecodable(lines, text, at)
        if "\0" in text:
            return _at(
                lines,
                "E-NUL",
                "the line holds a NUL byte",
                "The file is binary, damaged, or UTF-16 without a byte order mark: try --encoding utf-16-le.",
            )
    return None


def _undecodable(lines: NumberedLines, text: str, at: int) -> Problem:
    encoding, errors = lines.encoding.name, lines.encoding.errors
    candidates = encodings_that_read(text.encode(encoding, errors))
    return _at(
        lines,
        "E-ENCODING",
        f"character {at + 1} of the line is the byte 0x{ord(text[at]) - 0xDC00:02x}, which is not {encoding.upper()}",
        "Save the file as UTF-8, or try " + ", ".join(f"--encoding {name}" for name in candidates) + ".",
        value=text.strip(),
    )


def _misquoted(lines: NumberedLines, error: csv.Error) -> Problem:
    return _at(
        lines,
        "E-QUOTE",
        f"a quote is out of place ({error})",
        'Quote a whole cell or none of it, and write a quote inside one twice: "say ""hi""".',
        value=lines.pending[0].strip(),
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


def _header_problems(lines: NumberedLines, header: list[str], delimiter: str) -> Iterator[Problem]:
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            yield _at(lines, "E-HEADER", f"the column {name!r} is there twice", "Remove one of them.", column=name)
        if name not in COLUMNS:
            yield _at(lines, "E-HEADER", f"unknown column {name!r}{_nearest(name)}", _known_columns(), column=name)
    for name in REQUIRED:
        if name not in header:
            yield _at(
                lines,
                "E-HEADER",
                f"the column {name!r} is missing (delimiter: {DELIMITERS.get(delimiter, delimiter)})",
                "The first line names the columns; set --delimiter if it was detected wrong.",
                column=name,
            )


def _at(lines: NumberedLines, code: str, message: str, hint: str, *, column: str = "", value: str = "") -> Problem:
    first, last = max(1, lines.line - len(lines.pending) + 1), max(1, lines.line)
    return problem_at(first, code, message, hint, line_end=last, column=column, value=value)


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name.strip().lower(), COLUMNS, n=1)
    meant = _OFTEN_MEANT.get(name.strip().lower()) or (close[0] if close else None)
    return f"; did you mean {meant!r}?" if meant else ""


def _known_columns() -> str:
    return f"Known columns: {', '.join(COLUMNS)}."


def _cells_of(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _knownness(cells: list[str]) -> tuple[int, int]:
    return sum(cell in COLUMNS for cell in cells), len(cells)


def _delimiter(text: str) -> str:
    delimiter = _DELIMITER_NAMES.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise BadInput(
            f"--delimiter {text!r} is not one character", hint="Use comma, semicolon, tab, pipe or one character."
        )
    return delimiter
