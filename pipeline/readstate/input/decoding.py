"""Text lines of a file, each with its number, whatever its encoding and line ends."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from readstate.errors import BadInput
from readstate.input.source import TooLarge
from readstate.text import group_digits

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LIKELY_ENCODINGS = ("cp1252", "utf-16-le", "cp1250", "cp1251", "shift_jis", "gb18030", "mac-roman", "latin-1")
MOST_LINES = 20_000_000
LONGEST_LINE = 1_000_000
"""In characters; of a record of several lines, of all of them."""
# A blank must follow: an identity may begin with #.
_COMMENT = ("# ", "#\t", "#\r", "#\n")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How the bytes become text."""

    name: str
    has_mark: bool = False
    """Whether a byte order mark stands in front."""

    @property
    def errors(self) -> str:
        """How Python treats what cannot be decoded: as lone surrogates where one byte can be wrong alone."""
        return "strict" if self.name.startswith("utf-16") else "surrogateescape"

    def __str__(self) -> str:
        return f"{self.name.upper()} with a byte order mark" if self.has_mark else self.name.upper()


def find_encoding(stream: io.BufferedReader, asked: str | None) -> TextEncoding:
    """Find the encoding of *stream*, and read its byte order mark.

    Without a mark it is UTF-8 unless *asked* says otherwise; nothing is guessed. Raise `BadInput` for an unknown name.
    """
    start = stream.peek(3)[:3]
    mark, marked = next(((mark, name) for mark, name in _MARKS if start.startswith(mark)), (b"", "utf-8"))
    name = _known(asked) if asked else marked
    if mark and name in {marked, *_WITHOUT_MARK}:
        stream.read(len(mark))
        return TextEncoding(marked, has_mark=True)
    return TextEncoding(_WITHOUT_MARK.get(name, name))


@dataclass(slots=True)
class NumberedLines:
    """An iterator of text lines that counts them, and that can be pushed back; comments are left out.

    A comment is a line that begins with ``# ``, where a record may begin. Raises `TooLarge` beyond a limit.

    Bytes that cannot be decoded become lone surrogates, so that one bad byte spoils one line and not the file;
    in UTF-16, where it would spoil the rest, it raises `UnicodeDecodeError`.
    """

    stream: BinaryIO
    encoding: TextEncoding
    most_lines: int = MOST_LINES
    line: int = 0
    """Number of the last line returned; the first is 1."""
    pending: list[str] = field(default_factory=list)
    """The lines returned since `accept`: those of the record that is being read."""
    _returned: list[str] = field(default_factory=list)
    _pending_length: int = 0
    _text: io.TextIOWrapper = field(init=False)

    def __post_init__(self) -> None:
        self._text = io.TextIOWrapper(self.stream, encoding=self.encoding.name, errors=self.encoding.errors, newline="")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self._next_line()
        while not self.pending and (text.startswith(_COMMENT) or text == "#"):
            text = self._next_line()
        self.pending.append(text)
        self._pending_length += len(text)
        if self._pending_length > LONGEST_LINE and len(self.pending) > 1:
            raise csv.Error(f"the record is longer than {group_digits(LONGEST_LINE)} characters")
        return text

    def _next_line(self) -> str:
        text = self._returned.pop() if self._returned else self._text.readline(LONGEST_LINE + 1)
        if not text:
            raise StopIteration
        if len(text) > LONGEST_LINE:
            raise TooLarge(f"the line has more than {group_digits(LONGEST_LINE)} characters")
        if self.line == self.most_lines:
            raise TooLarge(f"the file has more than {group_digits(self.most_lines)} lines")
        self.line += 1
        return text

    def accept(self) -> None:
        """Begin the next record: the lines returned so far cannot be pushed back any more."""
        self.pending.clear()
        self._pending_length = 0

    def push_back(self, *, keep: int) -> None:
        """Return the pending lines once more, all but the first *keep*."""
        # A quote that is never closed makes one record of the rest of the file. Only its first line is to blame, so
        # the csv module reads the others again. Quadratic only where every line has such a quote.
        self._returned.extend(reversed(self.pending[keep:]))
        self.line -= len(self.pending) - keep
        del self.pending[keep:]


def undecodable_byte(text: str) -> int | None:
    """Return the position of the first byte in *text* that could not be decoded, or None."""
    return None if text.isascii() or (found := _ESCAPED_BYTE.search(text)) is None else found.start()


def encodings_that_read(line: bytes) -> list[str]:
    """Return up to three encodings in which *line* is printable text, likeliest first."""
    return [name for name in _LIKELY_ENCODINGS if _reads(line, name)][:3]


def _reads(line: bytes, name: str) -> bool:
    try:
        return all(character.isprintable() or character in "\t\r\n" for character in line.decode(name))
    except UnicodeDecodeError:
        return False


def _known(name: str) -> str:
    try:
        known = codecs.lookup(name)
        "a".encode(known.name)
    except (LookupError, UnicodeError):
        raise BadInput(f"unknown text encoding {name!r}", hint="For example --encoding cp1252.") from None
    return known.name
