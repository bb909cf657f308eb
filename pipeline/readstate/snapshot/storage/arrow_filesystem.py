"""Objects as files that pyarrow can read, range by range; nothing is written this way."""

import io
from collections.abc import Callable
from typing import Any, NoReturn

import obstore
import pyarrow as pa
from pyarrow import fs

from readstate.snapshot.storage.cloud_errors import explained_if_there


class CloudFileSystem(fs.FileSystemHandler):  # type: ignore[misc] # pyarrow has no types
    """A file system of which only the reading half exists.

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
        """What it is."""
        return "object store"

    def normalize_path(self, path: str) -> str:
        """*path* as it is."""
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        """Which of *paths* are there."""
        return [self._info(path) for path in paths]

    def open_input_file(self, path: str) -> pa.NativeFile:
        """Open an object to read any part of it."""
        return pa.PythonFile(_Object(self._root, self._client, path), mode="r")

    def open_input_stream(self, path: str) -> pa.NativeFile:
        """Open an object to read it from its beginning."""
        return self.open_input_file(path)

    def _info(self, path: str) -> fs.FileInfo:
        try:
            with _told(self._root, path):
                found = obstore.head(self._client, path)
        except FileNotFoundError:
            return fs.FileInfo(path, fs.FileType.NotFound)
        return fs.FileInfo(path, fs.FileType.File, size=found["size"], mtime=found["last_modified"].timestamp())

    def _refuse(self, *_: Any) -> NoReturn:
        raise NotImplementedError("objects are written through ObjectStore, which does not publish half of one")

    # pyarrow asks for all of these; nobody calls them.
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


class _Object(io.RawIOBase):
    """One object; every read is one request."""

    def __init__(self, root: str, client: Any, path: str) -> None:
        self._root = root
        self._client = client
        self._path = path
        self._at = 0
        with _told(root, path):
            self._size: int = obstore.head(client, path)["size"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> Any:
        """Give the next *size* bytes as a buffer, without copying them."""
        left = max(0, self._size - self._at)
        length = left if size is None or size < 0 else min(size, left)
        if not length:
            return b""
        with _told(self._root, self._path):
            found = obstore.get_range(self._client, self._path, start=self._at, length=length)
        self._at += len(found)
        return found


def _told(root: str, path: str) -> Any:
    return explained_if_there(root, path)
