"""The bytes of a changes file: from a path or standard input, plain or compressed, hashed before they are used."""

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from readstate.errors import BadInput
from readstate.files import create_private, translate_os_errors

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
COMPRESSION_FAILURES = (EOFError, gzip.BadGzipFile, zlib.error, pa.ArrowException)
"""What a damaged compressed file raises while it is read, besides `OSError`."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read more than once."""

    name: str
    path: Path
    size: int
    sha256: str
    """Of the bytes as given, before decompression."""


def open_source(name: str, *, stdin: BinaryIO, spool: Path) -> Source:
    """Open the file *name*, or *stdin* where it is ``-``; what can be read only once is copied to *spool* first.

    Raise `BadInput` where there is no such file.
    """
    if name == "-":
        return _described("<stdin>", _spooled(stdin, spool))
    path = Path(name)
    try:
        with path.open("rb") as stream:
            # A pipe such as <(zcat big.gz) has a name too, and gives its bytes only once.
            return _described(name, path if path.is_file() else _spooled(stream, spool))
    except OSError as error:
        raise BadInput(
            f"{name}: {error.strerror}", hint="Use the path of a CSV file, or - for standard input."
        ) from error


@contextmanager
def content(source: Source) -> Iterator[BinaryIO]:
    """Open the bytes of *source*, decompressed where they begin like gzip or zstd."""
    with source.path.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(_GZIP):
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast("BinaryIO", stream)
        elif magic == _ZSTD:
            with pa.CompressedInputStream(raw, "zstd") as stream:
                yield cast("BinaryIO", stream)
        else:
            yield raw


def _spooled(stream: BinaryIO, spool: Path) -> Path:
    path = spool / "input"
    with translate_os_errors(path, hint="Set TMPDIR to a place with more room."), create_private(path) as copy:
        shutil.copyfileobj(stream, copy)
    return path


def _described(name: str, path: Path) -> Source:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return Source(name, path, stream.tell(), digest.hexdigest())
