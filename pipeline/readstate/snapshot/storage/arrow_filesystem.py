"""Objects as files that pyarrow reads range by range. Writing goes through `ObjectStore` alone."""

import io
from collections.abc import Callable
from typing import Any, NoReturn

import obstore
import pyarrow as pa
from pyarrow import fs

from readstate.snapshot.storage.cloud_errors import translate_errors_but_missing


class CloudFileSystem(fs.FileSystemHandler):  # type: ignore[misc] # pyarrow has no types
    """A read-only file system.

    A missing object is a `FileNotFoundError`, as pyarrow expects; all else is raised as `ObjectStore` promises.
    """

    def __init__(self, root: str, client: Any) -> None:
        self._root = root
        self._client = client

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CloudFileSystem) and other._root == self._root

    def __hash__(self) -> int:
        return hash(self._root)

    def get_type_name(self) -> str:
        return "object store"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        return [self._info(path) for path in paths]

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(_ObjectFile(self._root, self._client, path), mode="r")

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self.open_input_file(path)

    def _info(self, path: str) -> fs.FileInfo:
        try:
            with translate_errors_but_missing(self._root, path):
                found = obstore.head(self._client, path)
        except FileNotFoundError:
            return fs.FileInfo(path, fs.FileType.NotFound)
        return fs.FileInfo(path, fs.FileType.File, size=found["size"], mtime=found["last_modified"].timestamp())

    def _refuse(self, *_: Any) -> NoReturn:
        raise NotImplementedError("objects are written through ObjectStore, whose writes are atomic")

    # pyarrow's base class is abstract in all of these; reading calls none of them.
    get_file_info_selector: Callable[..., NoReturn] = _refuse
    create_dir: Callable[..., NoReturn] = _refuse
    delete_dir: Callable[..., NoReturn] = _refuse
    delete_dir_contents: Callable[..., NoReturn] = _refuse
    delete_root_dir_contents: Callable[..., NoReturn] = _refuse
    delete_file: Callable[..., NoReturn] = _refuse
    move: Callable[..., NoReturn] = _refuse
    copy_file: Callable[..., NoReturn] = _refuse
    open_output_stream: Callable[..., NoReturn] = _refuse
    open_append_stream: Callable[..., NoReturn] = _refuse


class _ObjectFile(io.RawIOBase):
    """One object, where every read is one request of just that range.

    obstore.open_reader would need a wrapper as long as this one: pyarrow asks for `closed` and `readable`, which it
    lacks, and its errors would reach readers untranslated.
    """

    def __init__(self, root: str, client: Any, path: str) -> None:
        self._root = root
        self._client = client
        self._path = path
        self._position = 0
        with translate_errors_but_missing(root, path):
            self._size: int = obstore.head(client, path)["size"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int | None = -1) -> Any:
        """Return the next *size* bytes as a buffer, without copying them."""
        remaining = max(0, self._size - self._position)
        length = remaining if size is None or size < 0 else min(size, remaining)
        if not length:
            return b""
        with translate_errors_but_missing(self._root, self._path):
            found = obstore.get_range(self._client, self._path, start=self._position, length=length)
        self._position += len(found)
        return found
