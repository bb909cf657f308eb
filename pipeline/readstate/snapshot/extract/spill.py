"""Spill to disk: pages that do not fit into the memory bound wait here until their user's list is complete.

The files have no name, so the operating system removes them when the process ends, even if it is killed.
"""

import asyncio
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

from readstate.disk.files import translate_os_errors

FILE_BYTES = 64 << 20


class _File:
    """Some pages, one behind the other; closed when the last of them is garbage collected."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed when the last page goes
        weakref.finalize(self, file.close)
        self.descriptor = file.fileno()


class SpilledPage:
    """The body of a page on disk."""

    __slots__ = ("_file", "_offset", "_size")

    def __init__(self, file: _File, offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._size = size

    def write(self, body: bytes) -> None:
        """Write *body*. Raise `LocalDisk`."""
        with translate_os_errors(self._file.folder):
            written = 0
            while written < self._size:
                written += os.pwrite(self._file.descriptor, body[written:], self._offset + written)

    def read(self) -> bytes:
        """Return the body. Raise `LocalDisk`."""
        with translate_os_errors(self._file.folder):
            return os.pread(self._file.descriptor, self._size, self._offset)


Page = bytes | SpilledPage
"""The body of a page, in memory or on disk."""


class Spill:
    """Moves pages out of memory. Pages of many users share a file, so that few files are open at once."""

    def __init__(self, folder: Path | None = None, *, file_bytes: int = FILE_BYTES) -> None:
        self._folder = folder or Path(gettempdir())
        self._file_bytes = file_bytes
        self._file: _File | None = None

    async def keep(self, body: bytes) -> SpilledPage:
        """Write *body* to disk, on a thread. Raise `LocalDisk`."""
        if self._file is None or self._file.size >= self._file_bytes:
            with translate_os_errors(self._folder):
                self._file = _File(self._folder)
        # Reserved before the thread writes: the next page may come while this one is being written.
        page = SpilledPage(self._file, self._file.size, len(body))
        self._file.size += len(body)
        await asyncio.get_running_loop().run_in_executor(None, page.write, body)
        return page


def bytes_in_memory(pages: Sequence[Page]) -> int:
    """Return how many bytes of *pages* are in memory."""
    return sum(len(page) for page in pages if isinstance(page, bytes))
