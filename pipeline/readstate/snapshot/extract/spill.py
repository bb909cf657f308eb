"""Pages that find no room in memory, on disk until their user's list is whole.

The files have no name: nothing is left of them when the process ends, however it ends.
"""

import asyncio
import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

from readstate.snapshot.storage.atomic_file import local_disk

_FILE_BYTES = 64 << 20


class _File:
    """Some pages, one behind the other; gone when none of them is needed any more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed when the last page goes
        weakref.finalize(self, file.close)
        self.descriptor = file.fileno()


class SpilledPage:
    """The body of a page that lies on disk."""

    __slots__ = ("_file", "_offset", "_size")

    def __init__(self, file: _File, offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._size = size

    def write(self, body: bytes) -> None:
        """Put *body* where it belongs. Raises `LocalDisk`."""
        with local_disk(self._file.folder):
            written = 0
            while written < self._size:
                written += os.pwrite(self._file.descriptor, body[written:], self._offset + written)

    def read(self) -> bytes:
        """Give the body. Raises `LocalDisk`."""
        with local_disk(self._file.folder):
            return os.pread(self._file.descriptor, self._size, self._offset)


Page = bytes | SpilledPage
"""The body of a page, wherever it is."""


class Spill:
    """Takes pages out of memory. Pages of many users share a file, so that few files are open at once."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(gettempdir())
        self._file: _File | None = None

    async def keep(self, body: bytes) -> SpilledPage:
        """Write *body* to disk, on a thread. Raises `LocalDisk`."""
        if self._file is None or self._file.size >= _FILE_BYTES:
            with local_disk(self._folder):
                self._file = _File(self._folder)
        page = SpilledPage(self._file, self._file.size, len(body))
        self._file.size += len(body)
        await asyncio.get_running_loop().run_in_executor(None, page.write, body)
        return page


class Bodies:
    """The bodies of pages, one after the other, as often as somebody asks; those on disk are read when it is time."""

    __slots__ = ("_pages",)

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages

    def __iter__(self) -> Iterator[bytes]:
        return (page if isinstance(page, bytes) else page.read() for page in self._pages)


def bytes_in_memory(pages: Sequence[Page]) -> int:
    """Count what *pages* take of the memory."""
    return sum(len(page) for page in pages if isinstance(page, bytes))
