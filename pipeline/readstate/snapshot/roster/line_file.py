"""A file that names something on each line: plain text, CSV or Parquet; every wrong line is found in one pass."""

import csv
import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

from pyarrow import ArrowException
from pyarrow import parquet as pq

from readstate.errors import BadInput
from readstate.text import truncate

_MOST_SHOWN = 50
_INVISIBLE = re.compile("[\u00a0\u200b-\u200f\u2028-\u202e\u2060\ufeff]")

Headers = Sequence[Sequence[str]]
"""The headers that a CSV may have; the last one names all columns. The order of columns is free."""


class FileLine(NamedTuple):
    """A line without damage."""

    number: int
    cells: tuple[str, ...]
    """One for each column of the last header; of a plain text file, the whole line alone."""


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that cannot be used, and why."""

    line: int
    value: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {truncate(self.value, 60)!r}: {self.reason}"


def read_lines(name: str, headers: Headers, *, stdin: BinaryIO | None = None) -> Iterator[FileLine | WrongLine]:
    """Read *name*, a path, or ``-`` for standard input. Raises `BadInput` where it cannot be read at all."""
    if name.endswith(".parquet"):
        return _parquet_lines(name, headers)
    try:
        content = (stdin or sys.stdin.buffer).read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}") from error
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise BadInput(f"{name}: is UTF-16", hint="Save it as UTF-8.")
    text = content.decode("utf-8-sig", "surrogateescape")
    first = text.split("\n", 1)[0].strip().lower()
    columns = [column.strip().strip('"') for column in first.split(",")]
    if name.endswith(".csv") or "user" in columns or columns in [list(header) for header in headers]:
        return _csv_lines(text, name, headers)
    return _text_lines(text)


def raise_wrong_lines(name: str, wrong: Sequence[WrongLine], *, hint: str) -> NoReturn:
    """Raise `BadInput` that lists *wrong*."""
    lines = [str(problem) for problem in wrong[:_MOST_SHOWN]]
    if len(wrong) > _MOST_SHOWN:
        lines.append(f"… and {len(wrong) - _MOST_SHOWN} more")
    raise BadInput(
        f"{name}: {len(wrong)} wrong line{'s' if len(wrong) > 1 else ''}, nothing was read:\n  " + "\n  ".join(lines),
        hint=hint,
    )


_WRONG_TEXT: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda text: any("\udc80" <= character <= "\udcff" for character in text), "not valid UTF-8"),
    (lambda text: any(ord(character) < 32 or ord(character) == 127 for character in text), "holds a control character"),
    (_INVISIBLE.search, "holds an invisible character (a no-break or zero-width space)"),
    (lambda text: text != text.strip(), "begins or ends with a space"),
)


def _checked(number: int, cells: tuple[str, ...]) -> FileLine | WrongLine:
    for text in cells:
        for is_wrong, reason in _WRONG_TEXT:
            if is_wrong(text):
                return WrongLine(number, text, reason)
    return FileLine(number, cells)


def _text_lines(text: str) -> Iterator[FileLine | WrongLine]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _checked(number, (line.removesuffix("\r"),))


def _csv_lines(text: str, name: str, headers: Headers) -> Iterator[FileLine | WrongLine]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [column.strip().lower() for column in next(reader, [])]
    expected = " or ".join(",".join(columns) for columns in headers)
    if not any(header):
        raise BadInput(f"{name}: it is empty", hint=f"Its first line must be {expected}.")
    if sorted(header) not in [sorted(columns) for columns in headers]:
        raise BadInput(f"{name}: the header is {','.join(header)!r}", hint=f"It must be {expected}, each column once.")
    places = [header.index(column) if column in header else None for column in headers[-1]]
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield WrongLine(line, "", f"not CSV: {error}")
            continue
        if row is None:
            return
        if len(row) > len(header):
            yield WrongLine(line, row[0], "more cells than the header has columns")
        elif any(row):
            yield _checked(line, tuple("" if at is None or at >= len(row) else row[at] for at in places))


def _parquet_lines(name: str, headers: Headers) -> Iterator[FileLine | WrongLine]:
    try:
        file = pq.ParquetFile(name)
        columns = [column for column in headers[-1] if column in file.schema_arrow.names]
        if columns not in [list(header) for header in headers]:
            raise BadInput(
                f"{name}: has no column {headers[0][0]!r}", hint=f"It has: {', '.join(file.schema_arrow.names)}."
            )
        number = 0
        for batch in file.iter_batches(columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield _checked(number, tuple(str(row.get(column) or "") for column in headers[-1]))
    except (OSError, ArrowException) as error:
        raise BadInput(f"{name}: cannot be read as Parquet: {error}") from error
