"""The bytes of a file: from a path or standard input, plain or compressed, hashed before they are used."""

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
from msgspec import Struct

from readstate.disk.files import create_private, translate_os_errors
from readstate.errors import BadInput
from readstate.text import format_size

MOST_BYTES = 4_000_000_000
"""Of a file after decompression, and of what is read from a pipe."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PARQUET = b"PAR1"
_READ_AHEAD = 1 << 16
COMPRESSION_FAILURES = (EOFError, gzip.BadGzipFile, zlib.error, pa.ArrowException)
"""What a damaged compressed file raises while it is read, besides `OSError`."""


class TooLarge(Exception):
    """A limit is exceeded; the message says which, and the place."""


class Source(Struct, frozen=True):
    """A file that can be read more than once."""

    name: str
    path: Path
    size: int
    sha256: str
    """Of the bytes as given, before decompression."""
    start: bytes
    """The first four bytes."""

    @property
    def is_parquet(self) -> bool:
        return self.start == _PARQUET


def open_source(name: str, *, spool: Path, stdin: BinaryIO | None = None) -> Source:
    """Open the file *name*, or *stdin* where it is ``-``; what can be read only once is copied to *spool* first.

    Raise `BadInput` where there is no such file, or no end of it.
    """
    if name == "-":
        return _described("<stdin>", _spooled(name, stdin or _standard_input(), spool))
    path = Path(name)
    try:
        with path.open("rb") as stream:
            # A pipe such as <(zcat big.gz) has a name too, and gives its bytes only once.
            return _described(name, path if path.is_file() else _spooled(name, stream, spool))
    except (OSError, ValueError) as error:  # a ValueError for a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInput(f"{name}: {reason}", hint="Use the path of a file, or - for standard input.") from error


@contextmanager
def content(source: Source) -> Iterator[io.BufferedReader]:
    """Open the bytes of *source*, decompressed where they begin like gzip or zstd.

    Reading raises `TooLarge` beyond `MOST_BYTES`.
    """
    with source.path.open("rb") as raw:
        if source.start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=raw) as stream:
                yield _bounded(cast("BinaryIO", stream))
        elif source.start == _ZSTD:
            with pa.CompressedInputStream(raw, "zstd") as stream:
                yield _bounded(cast("BinaryIO", stream))
        else:
            yield _bounded(raw)


def _bounded(stream: BinaryIO) -> io.BufferedReader:
    return io.BufferedReader(_Bounded(stream), _READ_AHEAD)


class _Bounded(io.RawIOBase):
    """A raw stream over anything with ``read``: decompressors differ in what else they offer."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge(f"the file has more than {format_size(MOST_BYTES)} when it is unpacked")
        buffer[: len(data)] = data
        return len(data)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise BadInput("standard input is closed", hint="Use the path of a file, or give one by  < FILE.")
    return sys.stdin.buffer


def _spooled(name: str, stream: BinaryIO, spool: Path) -> Path:
    path, left = spool / "input", MOST_BYTES
    with translate_os_errors(path, hint="Set TMPDIR to a place with more room."), create_private(path) as copy:
        while block := stream.read(1 << 20):
            left -= copy.write(block)
            if left < 0:
                raise BadInput(f"{name}: there are more than {format_size(MOST_BYTES)}", hint="Divide the file.")
    return path


def _described(name: str, path: Path) -> Source:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        size = stream.tell()
        stream.seek(0)
        return Source(name, path, size, digest.hexdigest(), stream.read(4))
